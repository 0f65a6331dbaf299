#include "fetch/download.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "fetch/checksum.hpp"
#include "fetch/http.hpp"

#include <chrono>
#include <thread>

namespace resnet {
namespace {

constexpr int64_t kilobyte = 1000;

class Download {
 public:
  Download(const fs::path& target, const DownloadRequest& request)
      : request_(request),
        tag_file_(target),
        part_(target),
        progress_(target.filename().string(), static_cast<int64_t>(request.most_bytes) / kilobyte, "kB",
                  static_cast<int64_t>(part_.size()) / kilobyte) {
    tag_file_ += ".part.tag";
    if (part_.size() > 0) log_info("{}: going on after {} bytes", target.filename().string(), part_.size());
  }

  void run() {
    double wait = request_.patience.wait_seconds;
    for (int attempt = 1;; ++attempt, wait *= 2) {
      const bool anew = part_.size() == 0;
      const HttpResult result = try_once();
      if (result.outcome == HttpOutcome::done && finished(anew)) break;
      const std::string reason = result.outcome == HttpOutcome::done ? problem_ : result.reason;
      if (result.outcome == HttpOutcome::interrupted) fail_interrupted();
      if (result.outcome == HttpOutcome::lasting || result.outcome == HttpOutcome::stopped) give_up(reason);
      if (attempt == request_.patience.attempts) give_up(text_of(reason, ", in the last of ", attempt, " attempts"));
      log_warning("{}: {}; trying again", request_.address, reason);
      pause(wait);
    }
    remove_tag();
    part_.commit();
  }

 private:
  HttpResult try_once() {
    if (request_.exact && part_.size() == request_.most_bytes) return {};
    HttpResult result = transfer({
        .address = request_.address,
        .from = part_.size(),
        .validator = path_exists(tag_file_) ? read_file(tag_file_, 1 << 12) : "",
        .stall_seconds = request_.patience.stall_seconds,
        .begin = [this](uint64_t offset, const std::string& tag) { return begin(offset, tag); },
        .receive = [this](std::string_view bytes) { return receive(bytes); },
    });
    if (result.outcome == HttpOutcome::stopped) result.reason = problem_;
    if (result.outcome == HttpOutcome::nothing_left && part_.size() > 0) return {};
    return result;
  }

  bool begin(uint64_t offset, const std::string& tag) {
    if (offset == 0) part_.clear();
    problem_ = text_of("the server sends the bytes from ", offset, " on instead of those from ", part_.size());
    if (offset != part_.size()) return false;
    if (tag.empty())
      remove_tag();
    else
      write_file(tag_file_, tag);
    return true;
  }

  bool receive(std::string_view bytes) {
    if (bytes.size() > request_.most_bytes - part_.size()) {
      forget();
      problem_ = text_of("the server sends more than the ", request_.most_bytes, " bytes of the published file");
      return false;
    }
    part_.write(bytes);
    progress_.update(static_cast<int64_t>(part_.size()) / kilobyte);
    return true;
  }

  /// Whether the content is right. What was put together from several attempts gets a second chance, from the start.
  bool finished(bool anew) {
    if (request_.exact && part_.size() < request_.most_bytes) {
      problem_ = text_of("it ended after ", part_.size(), " of ", request_.most_bytes, " bytes");
      return false;
    }
    const std::string sha256 = sha256_of_file(part_.path());
    if (sha256.starts_with(request_.sha256)) return true;
    const uint64_t size = part_.size();
    forget();
    problem_ = "the parts do not belong together";
    if (!anew) return false;
    fail_data(request_.address, ": is not the published file: ", size, " bytes with the SHA-256 ", sha256,
              ", expected ", request_.sha256, request_.sha256.size() < 64 ? "..." : "",
              "; nothing of it was kept. Is there a proxy or a login page in between?");
  }

  void pause(double seconds) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end && !interrupted())
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (interrupted()) fail_interrupted();
  }

  /// What a later call finds.
  std::string kept() const {
    if (part_.size() == 0) return "";
    return text_of("; ", part_.size(), " bytes are kept, and the same command goes on from there");
  }
  [[noreturn]] void give_up(const std::string& reason) const { fail(request_.address, ": ", reason, kept()); }
  [[noreturn]] void fail_interrupted() const {
    fail_as(ExitCode::interrupted, request_.address, ": interrupted", kept());
  }

  void forget() {
    part_.clear();
    remove_tag();
  }
  void remove_tag() const {
    std::error_code ignored;
    fs::remove(tag_file_, ignored);
  }

  const DownloadRequest& request_;
  fs::path tag_file_;  // the entity tag of what the part was taken from
  PartFile part_;
  Progress progress_;
  std::string problem_;
};

}  // namespace

void download(const fs::path& target, const DownloadRequest& request) {
  if (path_exists(target)) return;
  make_directory(target.parent_path());
  Download whole(target, request);
  if (!path_exists(target)) whole.run();  // another process may have been at it
}

}  // namespace resnet
