#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace resnet::test {
namespace {

std::string text_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void limit(decltype(RLIMIT_AS) resource, std::size_t bytes) {
  const rlimit value{bytes, bytes};
  ::setrlimit(resource, &value);
}

void redirect(const fs::path& file, int descriptor) {
  int ends[2] = {-1, -1};
  if (file == "unread" && ::pipe(ends) == 0)
    ::close(ends[0]);
  else if (file != "closed")
    ends[1] = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (ends[1] >= 0) ::dup2(ends[1], descriptor);
  ::close(ends[1] >= 0 ? ends[1] : descriptor);
}

[[noreturn]] void become(const fs::path& folder, const Words& words, const Surroundings& around) {
  if (::chdir(folder.c_str()) != 0) ::_exit(99);
  redirect(folder / "stdout.txt", STDOUT_FILENO);
  redirect(folder / "stderr.txt", STDERR_FILENO);
  ::setenv("RESNET_THREADS", "2", 1);
  if (!around.out.empty()) redirect(around.out, STDOUT_FILENO);
  if (!around.err.empty()) redirect(around.err, STDERR_FILENO);
  for (const auto& [name, value] : around.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (around.file_bytes > 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    limit(RLIMIT_FSIZE, around.file_bytes);
  }
  if (around.memory_bytes > 0) limit(RLIMIT_AS, around.memory_bytes);
  std::vector<char*> pointers{const_cast<char*>("resnet")};
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  ::execv(RESNET_PROGRAM, pointers.data());
  ::_exit(98);
}

}  // namespace

nlohmann::json Outcome::json() const {
  nlohmann::json value = nlohmann::json::parse(out, nullptr, false);
  EXPECT_FALSE(value.is_discarded()) << out;
  return value;
}

Workplace::Workplace() {
  std::string pattern = (fs::temp_directory_path() / "resnet-cli-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

Workplace::~Workplace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

pid_t Workplace::start(const Words& words, const Surroundings& around) const {
  const pid_t process = ::fork();
  if (process == 0) become(path_, words, around);
  return process;
}

Outcome Workplace::end(pid_t process) const {
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return {.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
          .out = text_of_file(path_ / "stdout.txt"),
          .err = text_of_file(path_ / "stderr.txt")};
}

Outcome Workplace::run(const Words& words, const Surroundings& around) const { return end(start(words, around)); }

std::string Workplace::bytes(const fs::path& file) const { return text_of_file(path_ / file); }

Words quick_training(const Words& more) {
  Words words{"train", "builtin:patterns?count=400", "--model", "resnet8", "--epochs", "1", "--batch", "32"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void write_cifar(const fs::path& folder, int records, char label, std::size_t missing_bytes) {
  std::string record(3073, '\x7f');
  record[0] = label;
  std::string bytes;
  for (int k = 0; k < records; ++k) bytes += record;
  bytes.resize(bytes.size() - missing_bytes);
  fs::create_directories(folder);
  std::ofstream(folder / "data_batch_1.bin", std::ios::binary) << bytes;
  std::ofstream(folder / "batches.meta.txt") << "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
}

void wait_until(const std::function<bool()>& happened, const std::string& what) {
  for (int k = 0; k < 300'000; ++k) {
    if (happened()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL() << "waited in vain: " << what;
}

bool is_one_line(const std::string& text) { return std::ranges::count(text, '\n') == 1 && text.ends_with('\n'); }

}  // namespace resnet::test
