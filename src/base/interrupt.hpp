// Ctrl-C and SIGTERM ask a long job to save and stop; the job looks here between steps.
#pragma once

namespace resnet {

/// From now on SIGINT and SIGTERM only set a flag; a second one ends the process at once. SIGPIPE is ignored: whoever
/// stops listening to the messages must not end the job.
void catch_interrupts();

/// True once a signal has come.
bool interrupted();

/// For tests: sets or clears the flag.
void set_interrupted(bool value);

}  // namespace resnet
