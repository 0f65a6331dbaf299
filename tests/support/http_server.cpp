#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <stdexcept>

namespace resnet::test {
namespace {

WebRequest request_from(const std::string& text) {
  WebRequest request;
  std::istringstream lines(text);
  std::string method, line;
  lines >> method >> request.path;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers[name] = line.substr(colon + 2, line.find('\r') - colon - 2);
  }
  return request;
}

/// Whether something has come within a tenth of a second.
bool ready(int descriptor) {
  pollfd wait{descriptor, POLLIN, 0};
  return ::poll(&wait, 1, 100) > 0;
}

}  // namespace

std::optional<uint64_t> WebRequest::range_start() const {
  const auto range = headers.find("range");
  if (range == headers.end()) return std::nullopt;
  return std::stoull(range->second.substr(range->second.find('=') + 1));
}

bool WebReply::send(const std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t sent = ::send(connection_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  return true;
}

void WebReply::stall(const std::atomic<bool>& ending) const {
  char byte = 0;
  while (!ending)
    if (ready(connection_) && ::recv(connection_, &byte, 1, 0) <= 0) return;
}

WebServer::WebServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place = {};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&place), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &size) != 0)
    throw std::runtime_error("no port is free for the test's server");
  port_ = ntohs(place.sin_port);
  thread_ = std::thread([this] { serve(); });
}

WebServer::~WebServer() {
  ending_ = true;
  thread_.join();
  ::close(listener_);
}

std::string WebServer::address() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<WebRequest> WebServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void WebServer::serve() {
  while (!ending_) {
    if (!ready(listener_)) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string text;
    char chunk[4096];
    while (text.find("\r\n\r\n") == std::string::npos && !ending_) {
      if (!ready(connection)) continue;
      const ssize_t got = ::recv(connection, chunk, sizeof chunk, 0);
      if (got <= 0) break;
      text.append(chunk, static_cast<std::size_t>(got));
    }
    const WebRequest request = request_from(text);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    WebReply reply(connection);
    handler_(request, reply);
    ::close(connection);
  }
}

std::string web_response(const std::string& status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

std::string served(const WebRequest& request, const std::string& content, const std::string& tag) {
  const std::string headers = tag.empty() ? "" : "ETag: " + tag + "\r\n";
  const std::optional<uint64_t> start = request.range_start();
  const auto wanted = request.headers.find("if-range");
  if (!start || (wanted != request.headers.end() && wanted->second != tag))
    return web_response("200 OK", content, headers);
  if (*start >= content.size()) return web_response("416 Range Not Satisfiable", "", headers);
  return web_response("206 Partial Content", content.substr(*start),
                      headers + "Content-Range: bytes " + std::to_string(*start) + "-" +
                          std::to_string(content.size() - 1) + "/" + std::to_string(content.size()) + "\r\n");
}

}  // namespace resnet::test
