// One HTTP request, by libcurl. The library is loaded when the first request is made: linking it would make every start
// of the program several times as long, for the sake of one verb.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace resnet {

struct HttpRequest {
  std::string address;
  uint64_t from = 0;      // bytes that are there already; above 0 the rest is asked for
  std::string validator;  // an entity tag: if it has changed, all of the file is wanted after all
  int stall_seconds = 30;
  /// Before the first byte: where the bytes that follow belong. False ends the transfer.
  std::function<bool(uint64_t offset, const std::string& validator)> begin;
  /// False ends the transfer, as does an exception, which comes out of transfer().
  std::function<bool(std::string_view bytes)> receive;
};

enum class HttpOutcome : uint8_t {
  done,
  /// A later attempt may do better: a connection that broke or stalled, a server that is busy or broken.
  passing,
  /// It would not: no such file, a refused redirection, a name that does not resolve.
  lasting,
  /// The server has nothing behind `from`.
  nothing_left,
  /// begin() or receive() ended it.
  stopped,
  /// Ctrl-C.
  interrupted
};

struct HttpResult {
  HttpOutcome outcome = HttpOutcome::done;
  std::string reason;  // unless done
};

/// GET. Proxies are taken from the environment (http_proxy, https_proxy, no_proxy); at most five redirections are
/// followed, to http and https only and never from https to http. Error: libcurl is not installed.
HttpResult transfer(const HttpRequest& request);

}  // namespace resnet
