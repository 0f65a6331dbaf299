#include "base/parallel.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

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

// A round of tasks is over when its tasks are done, not when every helper has looked in: on a busy machine a helper may
// come too late for many rounds, and nobody waits for it. A ticket holds the round in its upper half and the next task
// in its lower. It is closed before work and tasks change, so whoever has read those of another round than that of his
// ticket finds it changed when he takes a task.
//
// Each worker begins with its own run of neighbouring tasks, the same in every round, and then helps with the others':
// what a step wrote is mostly still in the cache of the core that reads it in the next step.
struct ThreadPool::Team {
  struct alignas(64) Ticket {
    std::atomic<uint64_t> next{UINT32_MAX};
  };

  explicit Team(int workers) : tickets(static_cast<std::size_t>(workers)) {}

  std::vector<std::thread> helpers;
  std::atomic<const std::function<void(int, int)>*> work = nullptr;
  std::atomic<uint32_t> tasks{0};
  int spins = 0;
  std::vector<Ticket> tickets;     // by worker
  std::atomic<uint32_t> round{0};  // what sleeping helpers watch
  std::atomic<uint32_t> done{0};
  std::atomic<bool> stop{false};
  std::mutex error_mutex;
  std::exception_ptr error;

  /// Where the run of a worker begins and that of the one before ends.
  uint32_t begin_of(std::size_t worker, uint32_t count) const {
    return static_cast<uint32_t>(uint64_t{count} * worker / tickets.size());
  }

  void take_tasks(int worker) {
    for (std::size_t i = 0; i < tickets.size(); ++i)
      take_from((static_cast<std::size_t>(worker) + i) % tickets.size(), worker);
  }

  void take_from(std::size_t owner, int worker) {
    std::atomic<uint64_t>& ticket = tickets[owner].next;
    for (uint64_t next = ticket.load(std::memory_order_acquire);;) {
      const std::function<void(int, int)>* todo = work.load(std::memory_order_acquire);
      const uint32_t count = tasks.load(std::memory_order_acquire), task = static_cast<uint32_t>(next);
      if (task >= begin_of(owner + 1, count)) return;
      if (!ticket.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
      try {
        (*todo)(static_cast<int>(task), worker);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
      if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == count) done.notify_one();
      next = ticket.load(std::memory_order_acquire);
    }
  }

  // A training step is some hundred short rounds, so a helper first spins for the next one; with more threads than
  // cores spinning would take the core from whoever has work, so then it sleeps at once.
  void wait_while(std::atomic<uint32_t>& value, uint32_t old) const {
    for (int spin = 0; spin < spins && value.load(std::memory_order_acquire) == old; ++spin) _mm_pause();
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
  }

  void help(int worker) {
    uint32_t seen = 0;
    while (true) {
      wait_while(round, seen);
      seen = round.load(std::memory_order_acquire);
      if (stop.load()) return;
      take_tasks(worker);
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

// Training steps with 4 and 8 threads on 2 cores took 1.08 to 1.2 times as long as with 2.
ThreadPool::ThreadPool(int threads, int cores) : team_(std::make_unique<Team>(std::max(1, std::min(threads, cores)))) {
  assert(threads >= 1 && cores >= 1);
  if (threads > cores) log_info("{} threads are wanted: {} compute, one for each core", threads, cores);
  threads = std::min(threads, cores);
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
  Team& team = *team_;
  const uint32_t round = team.round.load(std::memory_order_relaxed) + 1;
  for (Team::Ticket& ticket : team.tickets)
    ticket.next.store(uint64_t{round} << 32 | UINT32_MAX, std::memory_order_release);
  team.work.store(&work, std::memory_order_release);
  team.tasks.store(static_cast<uint32_t>(tasks), std::memory_order_release);
  team.done.store(0, std::memory_order_relaxed);
  for (std::size_t worker = 0; worker < team.tickets.size(); ++worker)
    team.tickets[worker].next.store(uint64_t{round} << 32 | team.begin_of(worker, static_cast<uint32_t>(tasks)),
                                    std::memory_order_release);
  // Sequentially consistent: notify_all reads whether anybody sleeps, which must not happen before the store is seen.
  team.round.store(round);
  team.round.notify_all();
  team.take_tasks(0);
  for (uint32_t done = team.done.load(std::memory_order_acquire); done != static_cast<uint32_t>(tasks);
       done = team.done.load(std::memory_order_acquire))
    team.wait_while(team.done, done);
  if (team_->error) std::rethrow_exception(std::exchange(team_->error, nullptr));
}

}  // namespace resnet
