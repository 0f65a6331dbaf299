#include "base/parallel.hpp"

#include "base/error.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <immintrin.h>

namespace resnet {

int available_cores() {
  cpu_set_t set;
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (quota_file >> quota >> period && quota != "max" && period > 0)
    cores = std::min(cores, std::max(1, static_cast<int>(std::floor(std::stod(quota) / period))));
  return std::max(cores, 1);
}

struct ThreadPool::Team {
  std::vector<std::thread> helpers;
  const std::function<void(int, int)>* work = nullptr;
  int tasks = 0;
  int spins = 0;
  std::atomic<int> next_task{0};
  std::atomic<int> busy{0};
  std::atomic<uint32_t> round{0};
  std::atomic<bool> stop{false};
  std::mutex error_mutex;
  std::exception_ptr error;

  void take_tasks(int worker) {
    for (int task = next_task.fetch_add(1); task < tasks; task = next_task.fetch_add(1)) {
      try {
        (*work)(task, worker);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
    }
  }

  // A training step is some hundred short rounds, so a helper first spins for the next one; with more threads than
  // cores spinning would take the core from whoever has work, so then it sleeps at once.
  template <class T>
  void wait_while(std::atomic<T>& value, T old) const {
    for (int spin = 0; spin < spins && value.load(std::memory_order_acquire) == old; ++spin) _mm_pause();
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
  }

  void help(int worker) {
    uint32_t seen = 0;
    while (true) {
      wait_while(round, seen);
      ++seen;
      if (stop.load()) return;
      take_tasks(worker);
      if (busy.fetch_sub(1) == 1) busy.notify_one();
    }
  }

  // Here and not in ~ThreadPool, which does not run if the pool could not start all its threads.
  ~Team() {
    stop = true;
    round.fetch_add(1);
    round.notify_all();
    for (std::thread& helper : helpers) helper.join();
  }
};

ThreadPool::ThreadPool(int threads) : team_(std::make_unique<Team>()) {
  assert(threads >= 1);
  if (threads == 1) return;
  team_->spins = threads <= available_cores() ? 16000 : 0;  // some 0.3 ms; waking up takes 0.05
  try {
    for (int worker = 1; worker < threads; ++worker)
      team_->helpers.emplace_back([team = team_.get(), worker] { team->help(worker); });
  } catch (const std::system_error& error) {
    fail("cannot start ", threads, " threads: ", error.code().message(), "; use fewer --threads");
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return static_cast<int>(team_->helpers.size()) + 1; }

void ThreadPool::run(int tasks, const std::function<void(int, int)>& work) {
  if (team_->helpers.empty() || tasks <= 1) {
    for (int task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  team_->work = &work;
  team_->tasks = tasks;
  team_->next_task = 0;
  team_->busy = static_cast<int>(team_->helpers.size());
  team_->round.fetch_add(1);
  team_->round.notify_all();
  team_->take_tasks(0);
  for (int busy = team_->busy.load(); busy != 0; busy = team_->busy.load()) team_->wait_while(team_->busy, busy);
  if (team_->error) std::rethrow_exception(std::exchange(team_->error, nullptr));
}

}  // namespace resnet
