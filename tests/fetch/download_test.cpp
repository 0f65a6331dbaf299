// Downloads from a server on this machine, which also truncates, corrupts, redirects, stalls and changes its mind.
#include "fetch/download.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "fetch/checksum.hpp"
#include "support/http_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace resnet {
namespace {

using test::served;
using test::web_response;
using test::WebReply;
using test::WebRequest;
using test::WebServer;

class DownloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::error);
    std::string pattern = (fs::temp_directory_path() / "resnet-download-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (int i = 0; i < 300'000; ++i) content_ += static_cast<char>(i * 7 + i / 1000);
    write_file(folder_ / "original", content_);
    sha256_ = sha256_of_file(folder_ / "original");
  }
  void TearDown() override {
    set_interrupted(false);
    set_log_level(LogLevel::info);
    fs::remove_all(folder_);
  }

  fs::path target() const { return folder_ / "cache" / "file.bin"; }
  fs::path part() const { return folder_ / "cache" / "file.bin.part"; }
  DownloadRequest request(const WebServer& server) const {
    return {.address = server.address() + "/file.bin",
            .sha256 = sha256_,
            .most_bytes = content_.size(),
            .patience = {.attempts = 3, .stall_seconds = 1, .wait_seconds = 0.01}};
  }
  /// Leaves the first `bytes` of `content` as an earlier attempt's part.
  void leave_part(const std::string& content, std::size_t bytes, const std::string& tag = "") const {
    make_directory(part().parent_path());
    write_file(part(), content.substr(0, bytes));
    if (!tag.empty()) write_file(part().string() + ".tag", tag);
  }
  void expect_fetched() const {
    ASSERT_TRUE(path_exists(target()));
    EXPECT_TRUE(read_file(target(), 1 << 24) == content_);
    EXPECT_FALSE(path_exists(part()));
    EXPECT_FALSE(path_exists(part().string() + ".tag"));
  }
  /// The message of a download that must fail with `code`.
  std::string refusal(const DownloadRequest& request, ExitCode code) const {
    try {
      download(target(), request);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_FALSE(path_exists(target()));
      return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
  }

  fs::path folder_;
  std::string content_, sha256_;
};

TEST_F(DownloadTest, GetsAFileWithTheRightContent) {
  const WebServer server([&](const WebRequest& request, WebReply& reply) { reply.send(served(request, content_)); });
  download(target(), request(server));
  expect_fetched();
  download(target(), request(server));
  EXPECT_EQ(server.requests().size(), 1u) << "what is there is not asked for again";
}

TEST_F(DownloadTest, AcceptsTheFirstDigitsOfAChecksum) {
  const WebServer server([&](const WebRequest& request, WebReply& reply) { reply.send(served(request, content_)); });
  DownloadRequest wanted = request(server);
  wanted.sha256 = sha256_.substr(0, 8);
  wanted.most_bytes += 1000;
  wanted.exact = false;
  download(target(), wanted);
  expect_fetched();
}

TEST_F(DownloadTest, GoesOnAfterEachTruncation) {
  const WebServer server([&](const WebRequest& request, WebReply& reply) {
    const std::string whole = served(request, content_, "\"one\"");
    reply.send(request.range_start().value_or(0) < 200'000 ? whole.substr(0, 100'300) : whole);
  });
  download(target(), request(server));
  expect_fetched();
  const std::vector<WebRequest> requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_FALSE(requests[0].range_start());
  EXPECT_GT(requests[1].range_start().value_or(0), 100'000u);
  EXPECT_GT(requests[2].range_start().value_or(0), 200'000u);
  EXPECT_EQ(requests[2].headers.at("if-range"), "\"one\"");
}

TEST_F(DownloadTest, GivesUpOnEndlessTruncationAndKeepsThePart) {
  const WebServer server([&](const WebRequest& request, WebReply& reply) {
    const std::string whole = served(request, content_);
    reply.send(whole.substr(0, whole.find("\r\n\r\n") + 4 + 10'000));
  });
  const std::string message = refusal(request(server), ExitCode::failed);
  EXPECT_NE(message.find("3 attempts"), std::string::npos) << message;
  EXPECT_NE(message.find("30000 bytes are kept"), std::string::npos) << message;
  EXPECT_EQ(fs::file_size(part()), 30'000u);
  const WebServer better([&](const WebRequest& asked, WebReply& reply) { reply.send(served(asked, content_)); });
  download(target(), request(better));
  expect_fetched();
  EXPECT_EQ(better.requests().front().range_start(), 30'000u);
}

TEST_F(DownloadTest, RefusesAnotherContentAndKeepsNothing) {
  std::string other = content_;
  other[150'000] ^= 1;
  const WebServer server([&](const WebRequest& request, WebReply& reply) { reply.send(served(request, other)); });
  const std::string message = refusal(request(server), ExitCode::bad_data);
  EXPECT_NE(message.find(sha256_), std::string::npos) << message;
  EXPECT_FALSE(path_exists(part()));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(DownloadTest, RefusesMoreBytesThanPublished) {
  const WebServer server([&](const WebRequest&, WebReply& reply) {
    reply.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while (reply.send(content_)) {
    }
  });
  const std::string message = refusal(request(server), ExitCode::failed);
  EXPECT_NE(message.find("more than the 300000 bytes"), std::string::npos) << message;
  EXPECT_FALSE(path_exists(part()));
}

TEST_F(DownloadTest, StartsOverWhereTheServerIgnoresRanges) {
  leave_part(content_, 120'000, "\"one\"");
  const WebServer server([&](const WebRequest&, WebReply& reply) { reply.send(web_response("200 OK", content_)); });
  download(target(), request(server));
  expect_fetched();
  EXPECT_EQ(server.requests().front().range_start(), 120'000u);
}

TEST_F(DownloadTest, StartsOverWhereTheFileHasChanged) {
  leave_part(std::string(200'000, 'x'), 120'000, "\"old\"");
  const WebServer server(
      [&](const WebRequest& request, WebReply& reply) { reply.send(served(request, content_, "\"new\"")); });
  download(target(), request(server));
  expect_fetched();
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests().front().headers.at("if-range"), "\"old\"");
}

TEST_F(DownloadTest, StartsOverWherePartsWithoutATagDoNotFit) {
  leave_part(std::string(200'000, 'x'), 120'000);
  const WebServer server([&](const WebRequest& request, WebReply& reply) { reply.send(served(request, content_)); });
  download(target(), request(server));
  expect_fetched();
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(DownloadTest, ChecksAPartThatIsWholeWithoutAskingAgain) {
  leave_part(content_, content_.size());
  const WebServer server([&](const WebRequest& request, WebReply& reply) { reply.send(served(request, content_)); });
  download(target(), request(server));
  expect_fetched();
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(DownloadTest, RefusesARangeThatWasNotAskedFor) {
  leave_part(content_, 120'000);
  const WebServer server([&](const WebRequest&, WebReply& reply) {
    reply.send(
        web_response("206 Partial Content", content_.substr(90'000), "Content-Range: bytes 90000-299999/300000\r\n"));
  });
  const std::string message = refusal(request(server), ExitCode::failed);
  EXPECT_NE(message.find("from 90000 on instead of those from 120000"), std::string::npos) << message;
}

TEST_F(DownloadTest, TriesAgainAfterAStall) {
  std::atomic<int> connections = 0;
  WebServer* running = nullptr;
  WebServer server([&](const WebRequest& asked, WebReply& reply) {
    const std::string whole = served(asked, content_);
    if (++connections > 1) {
      reply.send(whole);
      return;
    }
    reply.send(whole.substr(0, 50'000));
    reply.stall(running->ending());
  });
  running = &server;
  download(target(), request(server));
  expect_fetched();
  EXPECT_GT(server.requests().at(1).range_start().value_or(0), 40'000u);
}

TEST_F(DownloadTest, FollowsARedirectionAndNoEndlessOnes) {
  const WebServer server([&](const WebRequest& asked, WebReply& reply) {
    if (asked.path == "/elsewhere")
      reply.send(served(asked, content_));
    else
      reply.send(
          web_response("302 Found", "moved",
                       "Location: " + std::string(asked.path == "/loop.bin" ? "/loop.bin" : "/elsewhere") + "\r\n"));
  });
  DownloadRequest wanted = request(server);
  wanted.address = server.address() + "/loop.bin";
  const std::string message = refusal(wanted, ExitCode::failed);
  EXPECT_NE(message.find("redirects"), std::string::npos) << message;
  EXPECT_EQ(server.requests().size(), 6u);
  download(target(), request(server));
  expect_fetched();
}

TEST_F(DownloadTest, RefusesRedirectionsToFiles) {
  const std::string file = "file://" + (folder_ / "original").string();
  const WebServer server([&](const WebRequest&, WebReply& reply) {
    reply.send(web_response("302 Found", "", "Location: " + file + "\r\n"));
  });
  refusal(request(server), ExitCode::failed);
  EXPECT_EQ(server.requests().size(), 1u);
  DownloadRequest wanted = request(server);
  wanted.address = file;
  refusal(wanted, ExitCode::failed);
}

TEST_F(DownloadTest, SaysAtOnceThatNothingIsThere) {
  const WebServer server(
      [&](const WebRequest&, WebReply& reply) { reply.send(web_response("404 Not Found", content_)); });
  const std::string message = refusal(request(server), ExitCode::failed);
  EXPECT_NE(message.find("answers 404"), std::string::npos) << message;
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_FALSE(path_exists(part()));
}

TEST_F(DownloadTest, TriesAgainWhereTheServerIsBroken) {
  std::atomic<int> connections = 0;
  const WebServer server([&](const WebRequest& asked, WebReply& reply) {
    reply.send(++connections < 3 ? web_response("500 Internal Server Error", "broken") : served(asked, content_));
  });
  download(target(), request(server));
  expect_fetched();
}

TEST_F(DownloadTest, SaysThatNobodyListens) {
  DownloadRequest wanted;
  {
    const WebServer server([](const WebRequest&, WebReply&) {});
    wanted = request(server);
  }
  EXPECT_NE(refusal(wanted, ExitCode::failed).find("3 attempts"), std::string::npos);
}

TEST_F(DownloadTest, GoesThroughAProxy) {
  const WebServer proxy([&](const WebRequest& asked, WebReply& reply) { reply.send(served(asked, content_)); });
  ::setenv("http_proxy", proxy.address().c_str(), 1);
  DownloadRequest wanted = request(proxy);
  wanted.address = "http://files.example/file.bin";
  download(target(), wanted);
  ::unsetenv("http_proxy");
  expect_fetched();
  EXPECT_EQ(proxy.requests().front().path, "http://files.example/file.bin");
}

TEST_F(DownloadTest, KeepsThePartWhenInterrupted) {
  const WebServer server([&](const WebRequest& asked, WebReply& reply) {
    const std::string whole = served(asked, content_);
    reply.send(whole.substr(0, whole.size() - 1000));
    // Only what has been written can be kept.
    for (int wait = 0; wait < 1000 && !(fs::exists(part()) && fs::file_size(part()) > 0); ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    set_interrupted(true);
    reply.send(whole.substr(whole.size() - 1000, 1));
  });
  const std::string message = refusal(request(server), ExitCode::interrupted);
  EXPECT_NE(message.find("the same command goes on from there"), std::string::npos) << message;
  EXPECT_GT(fs::file_size(part()), 0u);
}

TEST_F(DownloadTest, KeepsThePartWhenTheDiskIsFull) {
  const WebServer server([&](const WebRequest& asked, WebReply& reply) { reply.send(served(asked, content_)); });
  leave_part(content_, 1000);
  set_write_fault([](const fs::path& path) { return path.extension() == ".part" ? ENOSPC : 0; });
  const std::string message = refusal(request(server), ExitCode::failed);
  set_write_fault({});
  EXPECT_NE(message.find("free some space"), std::string::npos) << message;
  EXPECT_EQ(fs::file_size(part()), 1000u);
}

}  // namespace
}  // namespace resnet
