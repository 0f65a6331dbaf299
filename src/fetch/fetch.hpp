// What `resnet fetch` does with a row of the table, and where the cache has it afterwards.
#pragma once

#include "base/files.hpp"
#include "fetch/download.hpp"
#include "fetch/table.hpp"

#include <optional>
#include <string>

namespace resnet {

struct FetchOptions {
  fs::path cache = {};      // empty: default_cache_folder()
  std::string mirror = {};  // files are taken from MIRROR/NAME instead of their makers' server
  bool offline = false;     // what the cache does not hold is an error
  Patience patience = {};
};

/// The file of weights, or the folder of data, if the cache holds all of it.
std::optional<fs::path> find_fetched(const Published& item, const fs::path& cache = {});

/// Downloads what the cache does not hold yet. Error: see download(); (bad data): an archive is damaged or holds names
/// that lead out of it.
fs::path fetch(const Published& item, const FetchOptions& options = {});

/// `text` itself if such a file or folder is there or it is no name of the table; else where the cache has the data or
/// weights of that name. Error (usage): they have not been fetched; says how.
std::string resolved_data(const std::string& text);
std::string resolved_weights(const std::string& text);

}  // namespace resnet
