// What the processor reaches at best, as the measure for what the kernels reach.
#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/kernels.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <numeric>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

/// The best of some repetitions: a ceiling, not a mean. In seconds.
double best_time(ThreadPool& threads, const std::function<void(int task, int worker)>& work) {
  constexpr int repetitions = 7;
  double best = 1e30;
  for (int k = 0; k < repetitions; ++k) {
    const Clock::time_point start = Clock::now();
    threads.run(threads.threads(), work);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

#if defined(__x86_64__)
/// cpu::chains * 32 multiply-adds of bf16 numbers in each round.
__attribute__((target("avx512f,avx512bw,avx512bf16"))) float bf16_multiply_adds(const float* numbers, int64_t rounds) {
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(numbers), _mm512_loadu_ps(numbers + 16));
  __m512 sums[cpu::chains];
  for (int chain = 0; chain < cpu::chains; ++chain) sums[chain] = _mm512_loadu_ps(numbers + (chain + 2) * 16);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int chain = 0; chain < cpu::chains; ++chain) sums[chain] = _mm512_dpbf16_ps(sums[chain], a, a);
  }
  __m512 total = _mm512_setzero_ps();
  for (const __m512& sum : sums) total = _mm512_add_ps(total, sum);
  float parts[16];
  _mm512_storeu_ps(parts, total);
  return std::accumulate(parts, parts + 16, 0.f);
}
#endif

/// FLOP/s of `work`, which makes `each` multiply-adds in a round, on all threads.
double arithmetic(ThreadPool& threads, int64_t each, float (*work)(const float* numbers, int64_t rounds)) {
  constexpr int64_t rounds = 2'000'000;
  std::vector<float> numbers((cpu::chains + 2) * cpu::max_block);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.5f / static_cast<float>(i + 1);  // nothing overflows
  std::atomic<float> sink = 0;  // what is never read might never be computed
  const double seconds = best_time(threads, [&](int, int) { sink = work(numbers.data(), rounds); });
  return 2. * static_cast<double>(each) * static_cast<double>(rounds) * threads.threads() / seconds;
}

double bandwidth(ThreadPool& threads) {
  constexpr int64_t count = 16 << 20;  // 64 MiB in each of three arrays for each thread
  const auto all = static_cast<std::size_t>(count) * static_cast<std::size_t>(threads.threads());
  std::vector<float> a(all, 1.f), b(all, 2.f), y(all);
  const double seconds = best_time(threads, [&](int task, int) {
    const int64_t at = task * count;
    cpu::best_kernels().triad(a.data() + at, b.data() + at, 3.f, y.data() + at, count);
  });
  return 3. * static_cast<double>(all) * sizeof(float) / seconds;
}

}  // namespace

Ceilings measure_ceilings(ThreadPool& threads) {
  const cpu::Kernels& kernels = cpu::best_kernels();
  Ceilings ceilings;
  ceilings.fp32 = arithmetic(threads, int64_t{cpu::chains} * kernels.block, kernels.multiply_adds);
#if defined(__x86_64__)
  if (kernels.amx)
    ceilings.bf16 = arithmetic(threads, 4 * 16 * 16 * 32, cpu::amx::multiply_tiles);
  else if (cpu_backend_info().fast_bf16)
    ceilings.bf16 = arithmetic(threads, cpu::chains * 32, bf16_multiply_adds);
#endif
  ceilings.memory = bandwidth(threads);
  return ceilings;
}

}  // namespace resnet
