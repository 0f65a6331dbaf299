// Small pictures as the bytes of files, for folders of photos that a test makes up.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace resnet::test {

/// A PPM (3 channels) or PGM (1) whose pixels follow from `seed`: a ramp, so that neighbours differ a little.
inline std::string picture_bytes(int height, int width, int seed, int channels = 3) {
  std::string bytes =
      (channels == 3 ? "P6\n" : "P5\n") + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) bytes += static_cast<char>((seed * 37 + y * 3 + x * 5 + c * 50) % 256);
  return bytes;
}

inline void put(const std::filesystem::path& file, const std::string& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

/// `count` photos of each of two classes, dark ones and bright ones of several sizes: FOLDER/dark/0.ppm, ...
inline void put_photos(const std::filesystem::path& folder, int count, int first = 0) {
  for (int k = first; k < first + count; ++k)
    for (const bool bright : {false, true}) {
      std::string bytes = picture_bytes(20 + k % 3, 24 + k % 5, k);
      const std::size_t header = bytes.find("255\n") + 4;
      for (std::size_t i = header; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) / 2 + (bright ? 128 : 0));
      put(folder / (bright ? "bright" : "dark") / (std::to_string(k) + ".ppm"), bytes);
    }
}

}  // namespace resnet::test
