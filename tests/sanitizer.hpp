// Whether these tests run under the address sanitizer.
#pragma once

namespace resnet::test {

/// Sanitizers take time and address space of their own.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool with_sanitizer = true;
#else
inline constexpr bool with_sanitizer = false;
#endif

}  // namespace resnet::test
