// One block of channels as a vector of the compiler's, for the files that are compiled once per instruction set.
// Everything is inside namespace RESNET_ISA, so that no copy for one machine is linked into the path of another.
#pragma once

#include "runtime/cpu/kernels.hpp"

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#include <cstdint>

namespace resnet::cpu::RESNET_ISA {

#ifdef __AVX512F__
inline constexpr int block = 16;
#else
inline constexpr int block = 8;
#endif

typedef float Vec __attribute__((vector_size(block * sizeof(float))));
typedef int32_t IntVec __attribute__((vector_size(block * sizeof(float))));
typedef uint32_t BitsVec __attribute__((vector_size(block * sizeof(float))));
typedef uint16_t HalfVec __attribute__((vector_size(block * sizeof(uint16_t))));

// In memory a block begins at any float, also one that was written as floats: only these types may be read there.
typedef Vec StoredVec __attribute__((aligned(4), may_alias));
typedef IntVec StoredIntVec __attribute__((aligned(4), may_alias));
typedef HalfVec StoredHalfVec __attribute__((aligned(2), may_alias));

static inline __attribute__((always_inline)) Vec load(const float* p) { return *reinterpret_cast<const StoredVec*>(p); }
static inline __attribute__((always_inline)) void store(float* p, Vec v) { *reinterpret_cast<StoredVec*>(p) = v; }
static inline __attribute__((always_inline)) IntVec load(const int32_t* p) {
  return *reinterpret_cast<const StoredIntVec*>(p);
}
static inline __attribute__((always_inline)) void store(int32_t* p, IntVec v) {
  *reinterpret_cast<StoredIntVec*>(p) = v;
}

// bf16 is the upper half of a float; stores round to the nearest, even on ties, and keep a NaN one. The processor's own
// instruction also takes numbers below 2^-126 for zero; without it, rounding takes longer than the rest of a kernel.
static inline __attribute__((always_inline)) HalfVec upper_half(Vec v) {
#ifdef __AVX512BF16__
  return reinterpret_cast<HalfVec>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
#else
  const BitsVec bits = reinterpret_cast<BitsVec>(v);
  const BitsVec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const BitsVec kept = v == v ? rounded : (bits >> 16 | 0x40);
  return __builtin_convertvector(kept, HalfVec);
#endif
}
static inline __attribute__((always_inline)) Vec widen(HalfVec half) {
  return reinterpret_cast<Vec>(__builtin_convertvector(half, BitsVec) << 16);
}
static inline __attribute__((always_inline)) Vec load(const BFloat16* p) {
  return widen(*reinterpret_cast<const StoredHalfVec*>(p));
}
static inline __attribute__((always_inline)) void store(BFloat16* p, Vec v) {
  *reinterpret_cast<StoredHalfVec*>(p) = upper_half(v);
}

/// What is read after v was stored as T.
template <class T>
static inline __attribute__((always_inline)) Vec rounded_to(Vec v) {
  return v;
}
template <>
inline __attribute__((always_inline)) Vec rounded_to<BFloat16>(Vec v) {
  return widen(upper_half(v));
}

static inline __attribute__((always_inline)) Vec splat(float x) { return Vec{} + x; }
/// x * scale + shift, rounded in the same way wherever it appears.
static inline __attribute__((always_inline)) Vec multiply_add(Vec x, Vec scale, Vec shift) {
  return x * scale + shift;  // one fma where the instruction set has it (-ffp-contract=fast)
}
#ifdef __AVX512F__
/// sum += a * b, where `sum` keeps its register. Left to itself the compiler writes the result over `a` or `b` as
/// often, runs out of registers and spills sums.
static inline __attribute__((always_inline)) void add_product(Vec& sum, Vec a, Vec b) {
  asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}
#endif
/// max(x, 0); a NaN passes.
static inline __attribute__((always_inline)) Vec rectify(Vec x) { return x < Vec{} ? Vec{} : x; }
/// y where x > 0, else 0.
static inline __attribute__((always_inline)) Vec where_positive(Vec x, Vec y) { return x > Vec{} ? y : Vec{}; }

}  // namespace resnet::cpu::RESNET_ISA
