// One file from the network to the disk: it grows under NAME.part, goes on where it stopped, and gets its name when its
// content is the published one.
#pragma once

#include "base/files.hpp"

#include <cstdint>
#include <string>

namespace resnet {

/// How patient a download is.
struct Patience {
  int attempts = 5;
  int stall_seconds = 30;   // without a byte, after which an attempt is given up
  double wait_seconds = 1;  // before the second attempt; twice as long before each further one
};

struct DownloadRequest {
  std::string address;
  std::string sha256;       // the first digits, or all 64; lower case
  uint64_t most_bytes = 0;  // the size if `exact`; nothing larger is taken
  bool exact = true;
  Patience patience = {};
};

/// Returns at once if `target` is there. A server that does not know ranges, or whose file has changed since the part
/// was written, sends all of it again. Error: the network fails for good, or too often (the part stays); (bad data):
/// another content than the published one (the part is removed); (interrupted): Ctrl-C (the part stays).
void download(const fs::path& target, const DownloadRequest& request);

}  // namespace resnet
