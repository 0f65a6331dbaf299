#include "fetch/http.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"

#include <curl/curl.h>
#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <exception>
#include <memory>
#include <optional>

namespace resnet {
namespace {

/// The functions of libcurl that are used here.
struct Curl {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) init;
  decltype(&::curl_easy_setopt) set;
  decltype(&::curl_easy_perform) perform;
  decltype(&::curl_easy_getinfo) get;
  decltype(&::curl_easy_strerror) describe;
  decltype(&::curl_easy_cleanup) cleanup;
  decltype(&::curl_slist_append) append;
  decltype(&::curl_slist_free_all) free_list;
};

Curl loaded() {
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
    if (!library) library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("libcurl.so.4 cannot be loaded, which downloads need; install it (Debian: apt install libcurl4)");
  Curl curl = {};
  const auto load = [library](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (!function) fail("libcurl.so.4 has no ", name, "; install version 7.85 or later");
  };
  load(curl.global_init, "curl_global_init");
  load(curl.init, "curl_easy_init");
  load(curl.set, "curl_easy_setopt");
  load(curl.perform, "curl_easy_perform");
  load(curl.get, "curl_easy_getinfo");
  load(curl.describe, "curl_easy_strerror");
  load(curl.cleanup, "curl_easy_cleanup");
  load(curl.append, "curl_slist_append");
  load(curl.free_list, "curl_slist_free_all");
  curl.global_init(CURL_GLOBAL_DEFAULT);
  return curl;
}

const Curl& library() {
  static const Curl curl = loaded();
  return curl;
}

/// The headers of the response that is being received; those of a redirection are forgotten when the next one comes.
struct Response {
  long status = 0;
  std::string tag;
  std::optional<uint64_t> range_start;
};

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

/// `text` as a number from its first digit on; none if it does not begin with one.
std::optional<uint64_t> leading_number(std::string_view text) {
  uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

class Transfer {
 public:
  explicit Transfer(const HttpRequest& request) : request_(request), curl_(library()), handle_(curl_.init()) {
    if (!handle_) fail("libcurl cannot be started");
  }
  ~Transfer() {
    curl_.free_list(headers_);
    curl_.cleanup(handle_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  HttpResult run() {
    prepare();
    const CURLcode code = curl_.perform(handle_);
    if (problem_) std::rethrow_exception(problem_);
    if (code == CURLE_OK && !begun_) begin();  // an empty file
    if (code == CURLE_OK && response_.status < 300 && !stopped_) return {};
    return failed(code);
  }

 private:
  void prepare() {
    set(CURLOPT_URL, request_.address.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, request_.address.starts_with("https:") ? "https" : "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 5L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "resnet.cpp");
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request_.stall_seconds));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_seconds));
    set(CURLOPT_ERRORBUFFER, message_);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_NOPROGRESS, 0L);
    if (request_.from == 0) return;
    header("Range: bytes=" + std::to_string(request_.from) + "-");
    if (!request_.validator.empty()) header("If-Range: " + request_.validator);
    set(CURLOPT_HTTPHEADER, headers_);
  }

  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode code = curl_.set(handle_, option, value);
    if (code != CURLE_OK)
      fail("libcurl does not know option ", static_cast<int>(option), "; install version 7.85 or later");
  }

  void header(const std::string& line) { headers_ = curl_.append(headers_, line.c_str()); }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self) {
    static_cast<Transfer*>(self)->take_header({bytes, count});
    return count;
  }

  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {
      const std::size_t space = std::min(line.find(' '), line.size() - 1);
      response_ = {.status = static_cast<long>(leading_number(line.substr(space + 1)).value_or(0)),
                   .tag = {},
                   .range_start = {}};
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string name = lower_case(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "etag" && !value.starts_with("W/")) response_.tag = value;  // a weak tag promises no equal bytes
    if (name == "content-range" && lower_case(value).starts_with("bytes "))
      response_.range_start = leading_number(value.substr(6));
  }

  static std::size_t on_bytes(char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->take_bytes({bytes, count}) ? count : 0;
  }

  bool take_bytes(std::string_view bytes) {
    if (response_.status >= 300) return true;  // the text of an error or a redirection
    try {
      stopped_ = (!begun_ && !begin()) || !request_.receive(bytes);
    } catch (...) {
      problem_ = std::current_exception();  // must not pass through libcurl
    }
    return !stopped_ && !problem_;
  }

  bool begin() {
    begun_ = true;
    return response_.status >= 300 ||
           request_.begin(response_.status == 206 ? response_.range_start.value_or(0) : 0, response_.tag);
  }

  static int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return interrupted() ? 1 : 0; }

  HttpResult failed(CURLcode code) const {
    if (stopped_) return {HttpOutcome::stopped, "stopped"};
    if (code == CURLE_ABORTED_BY_CALLBACK) return {HttpOutcome::interrupted, "interrupted"};
    if (code == CURLE_OK && response_.status == 416) return {HttpOutcome::nothing_left, "the server has no more bytes"};
    if (code == CURLE_OK) {
      const bool passing = response_.status >= 500 || response_.status == 408 || response_.status == 429;
      return {passing ? HttpOutcome::passing : HttpOutcome::lasting, text_of("the server answers ", response_.status)};
    }
    const std::string text = *message_ ? message_ : curl_.describe(code);
    constexpr CURLcode lasting[] = {CURLE_UNSUPPORTED_PROTOCOL,  CURLE_URL_MALFORMAT,
                                    CURLE_TOO_MANY_REDIRECTS,    CURLE_COULDNT_RESOLVE_HOST,
                                    CURLE_COULDNT_RESOLVE_PROXY, CURLE_PEER_FAILED_VERIFICATION};
    return {std::ranges::find(lasting, code) != std::end(lasting) ? HttpOutcome::lasting : HttpOutcome::passing, text};
  }

  const HttpRequest& request_;
  const Curl& curl_;
  CURL* handle_;
  curl_slist* headers_ = nullptr;
  char message_[CURL_ERROR_SIZE] = {};
  Response response_;
  std::exception_ptr problem_;
  bool begun_ = false, stopped_ = false;
};

}  // namespace

HttpResult transfer(const HttpRequest& request) { return Transfer(request).run(); }

}  // namespace resnet
