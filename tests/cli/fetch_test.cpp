// Downloads as a user sees them, from a server on this machine; and names in place of files.
#include "cli/program.hpp"
#include "support/http_server.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace resnet::test {
namespace {

class Fetch : public testing::Test {
 protected:
  Surroundings cached() const { return {.environment = {{"XDG_CACHE_HOME", (here.path() / "cache").string()}}}; }
  Workplace here;
};

TEST_F(Fetch, ListsWhatThereIs) {
  const Outcome text = here.run({"fetch", "--list"}, cached());
  EXPECT_EQ(text.code, 0);
  for (const char* word : {"cifar10 ", "fashion-mnist ", "imagenette160 ", "resnet50.v2 ", "densenet201 ", "MIT"})
    EXPECT_NE(text.out.find(word), std::string::npos) << word;
  const nlohmann::json list = here.run({"fetch", "--list", "--json"}, cached()).json();
  ASSERT_EQ(list.size(), 27u);
  EXPECT_EQ(list[0]["name"], "cifar10");
  EXPECT_EQ(list[0]["files"][0]["bytes"], 170052171);
  EXPECT_EQ(list[0]["files"][0]["whole_sha256"], true);
  EXPECT_EQ(list[0]["place"], nullptr);
  EXPECT_EQ(list[6]["name"], "resnet18");
  EXPECT_EQ(list[6]["files"][0]["whole_sha256"], false);
}

TEST_F(Fetch, RefusesWhatItCannotDo) {
  EXPECT_EQ(here.run({"fetch"}, cached()).code, 2);
  const Outcome unknown = here.run({"fetch", "resnet5"}, cached());
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(is_one_line(unknown.err)) << unknown.err;
  const Outcome offline = here.run({"fetch", "--offline", "mnist"}, cached());
  EXPECT_EQ(offline.code, 1);
  EXPECT_NE(offline.err.find("--offline"), std::string::npos) << offline.err;
}

TEST_F(Fetch, RefusesAnotherFileUnderTheName) {
  const WebServer server([](const WebRequest& asked, WebReply& reply) { reply.send(served(asked, "a login page")); });
  const Outcome outcome = here.run({"fetch", "resnet18", "--from", server.address() + "/models"}, cached());
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("expected f37072fd..."), std::string::npos) << outcome.err;
  EXPECT_EQ(server.requests().at(0).path, "/models/resnet18-f37072fd.pth");
  EXPECT_TRUE(std::filesystem::is_empty(here.path() / "cache" / "resnet" / "weights"));
}

TEST_F(Fetch, AnInterruptKeepsThePartAndSaysHowToGoOn) {
  WebServer* running = nullptr;
  WebServer server([&](const WebRequest&, WebReply& reply) {
    reply.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 46000000\r\n\r\n" + std::string(100'000, 'x'));
    reply.stall(running->ending());
  });
  running = &server;
  const fs::path part = here.path() / "cache" / "resnet" / "weights" / "resnet18-f37072fd.pth.part";
  const pid_t process = here.start({"fetch", "resnet18", "--from", server.address()}, cached());
  wait_until([&] { return fs::exists(part) && fs::file_size(part) == 100'000; }, "the first bytes");
  ::kill(process, SIGINT);
  const Outcome outcome = here.end(process);
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("the same command goes on from there"), std::string::npos) << outcome.err;
  EXPECT_EQ(fs::file_size(part), 100'000u);
}

TEST_F(Fetch, NamesStandForWhatWasFetched) {
  for (const Words& words : {Words{"train", "cifar10"}, Words{"check", "cifar10"}}) {
    const Outcome missing = here.run(words, cached());
    EXPECT_EQ(missing.code, 2) << missing.err;
    EXPECT_NE(missing.err.find("`resnet fetch cifar10`"), std::string::npos) << missing.err;
  }
  for (const Words& words : {Words{"predict", "--model", "resnet50", "cat.jpg"}, Words{"eval", "resnet50", "cifar10"},
                             Words{"predict", "resnet50", "cat.jpg"}}) {
    const Outcome missing = here.run(words, cached());
    EXPECT_EQ(missing.code, 2) << missing.err;
    EXPECT_NE(missing.err.find("`resnet fetch resnet50`"), std::string::npos) << missing.err;
  }
  const fs::path folder = here.path() / "cache" / "resnet" / "data" / "cifar10";
  write_cifar(folder / "cifar-10-batches-bin", 40, 1);
  EXPECT_EQ(here.run({"fetch", "--offline", "cifar10"}, cached()).code, 0);
  const Outcome trained = here.run(
      {"train", "cifar10", "--model", "resnet8", "--iterations", "2", "--batch", "8", "--out", "run"}, cached());
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_NE(here.bytes("run/config.toml").find("\"cifar10\""), std::string::npos) << "the name, not the place";
  EXPECT_EQ(here.run({"eval", "run"}, cached()).code, 0);
  EXPECT_EQ(here.run({"resume", "run", "--epochs", "2"}, cached()).code, 0);
}

}  // namespace
}  // namespace resnet::test
