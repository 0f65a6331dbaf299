// A thread pool whose results cannot depend on its size: work is cut into a number of tasks that the caller fixes from
// shapes alone, unless no bit depends on the cut; threads only decide who runs which task. Tasks that follow one
// another mostly run on the same thread, and those at the same place of the next round too.
#pragma once

#include <functional>
#include <memory>

namespace resnet {

/// The cores this process may use: affinity mask and cgroup quota respected.
int available_cores();

class ThreadPool {
 public:
  /// `threads` >= 1, the calling thread included, of which no more than `cores` are started, and it is said: the others
  /// could only take turns. Error: the system has no room for so many.
  explicit ThreadPool(int threads, int cores = available_cores());
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Runs work(task, worker) for every task in 0 .. tasks - 1 and returns when all are done; worker is in
  /// 0 .. threads() - 1, the caller's is 0. The first exception thrown by a task is rethrown here. Not re-entrant.
  void run(int tasks, const std::function<void(int task, int worker)>& work);

 private:
  struct Team;
  std::unique_ptr<Team> team_;
};

}  // namespace resnet
