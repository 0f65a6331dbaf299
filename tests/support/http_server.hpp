// A web server on this machine that does what a test wants, mistakes included.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace resnet::test {

/// A request as far as the tests look at it. Header names are in lower case.
struct WebRequest {
  std::string path;
  std::map<std::string, std::string> headers;

  /// N of "Range: bytes=N-".
  std::optional<uint64_t> range_start() const;
};

/// One connection's answer.
class WebReply {
 public:
  explicit WebReply(int connection) : connection_(connection) {}
  /// False once the other side has left.
  bool send(const std::string& bytes);
  /// Waits until the other side has left, or the server ends.
  void stall(const std::atomic<bool>& ending) const;

 private:
  int connection_;
};

class WebServer {
 public:
  using Handler = std::function<void(const WebRequest&, WebReply&)>;

  /// Every request is answered by `handler`, one connection after the other; the connection is then closed.
  explicit WebServer(Handler handler);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// "http://127.0.0.1:PORT"
  std::string address() const;
  /// All requests so far.
  std::vector<WebRequest> requests() const;
  const std::atomic<bool>& ending() const { return ending_; }

 private:
  void serve();

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::vector<WebRequest> requests_;
  std::thread thread_;
};

/// "HTTP/1.1 200 OK", the headers, Content-Length and the body.
std::string web_response(const std::string& status, const std::string& body, const std::string& headers = "");

/// What a good server answers: all of `content`, or with a Range the rest of it, unless If-Range names another tag.
std::string served(const WebRequest& request, const std::string& content, const std::string& tag = "");

}  // namespace resnet::test
