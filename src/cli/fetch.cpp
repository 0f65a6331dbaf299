// resnet fetch: published weights and data sets into the cache, where the other verbs find them by name.
#include "fetch/fetch.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "report/tables.hpp"

#include <algorithm>
#include <memory>

namespace resnet::cli {
namespace {

struct FetchVerb {
  std::vector<std::string> names;
  FetchOptions options;
  bool list = false, json = false;
};

uint64_t bytes_of(const Published& item) {
  uint64_t bytes = 0;
  for (const PublishedFile& file : item.files) bytes += file.most_bytes;
  return bytes;
}

Json as_json(const Published& item) {
  Json files = Json::array();
  for (const PublishedFile& file : item.files)
    files.push_back({{"address", file.address},
                     {"sha256", file.sha256},
                     {"whole_sha256", file.sha256.size() == 64},
                     {file.exact ? "bytes" : "bytes_at_most", file.most_bytes}});
  const std::optional<fs::path> place = find_fetched(item);
  return {{"name", item.name},         {"kind", item.is_data() ? "data" : "weights"},
          {"title", item.title},       {"licence", item.licence},
          {"files", std::move(files)}, {"place", place ? Json(place->string()) : Json(nullptr)}};
}

void list_all(bool json) {
  if (json) {
    Json all = Json::array();
    for (const Published& item : published()) all.push_back(as_json(item));
    return print_json(all);
  }
  Table table({{"name"}, {"size", Align::right}, {"fetched"}, {"what"}, {"licence"}});
  for (const Published& item : published())
    table.row({std::string(item.name), bytes_text(static_cast<double>(bytes_of(item))), find_fetched(item) ? "yes" : "",
               std::string(item.title), std::string(item.licence)});
  print_text(
      "{}\nWeights are torchvision's; NAME.v2 are those of its second recipe. `--list --json` has addresses and "
      "checksums.\n",
      to_text(table));
}

void fetch_all(const FetchVerb& verb) {
  std::vector<const Published*> items;
  for (const std::string& name : verb.names) items.push_back(&expect_published(name));
  catch_interrupts();
  Json list = Json::array();
  for (const Published* item : items) {
    const fs::path place = fetch(*item, verb.options);
    if (verb.json)
      list.push_back({{"name", item->name}, {"place", place.string()}});
    else
      print_text("{}: {}\n", item->name, place.string());
  }
  if (verb.json) print_json(list);
}

}  // namespace

Action declare_fetch(CLI::App& app) {
  auto verb = std::make_shared<FetchVerb>();
  app.add_option("NAME", verb->names, "what to download, as --list names it")->take_all();
  app.add_flag("--list", verb->list, "show what there is, with sizes and licences");
  app.add_option("--from", verb->options.mirror,
                 "a mirror: files are taken from ADDRESS/FILE instead of their makers' server")
      ->type_name("ADDRESS");
  app.add_flag("--offline", verb->options.offline, "no network: only say where the cache has them");
  add_whole(app, "--attempts", verb->options.patience.attempts, 1, 1000, "how often a broken download is tried (5)");
  add_whole(app, "--stall", verb->options.patience.stall_seconds, 1, 86'400,
            "seconds without a byte after which an attempt is given up (30)");
  add_json(app, verb->json);
  return [verb](const std::string&) {
    if (verb->list && !verb->names.empty()) fail_usage("fetch: give either names or --list");
    if (verb->list) return list_all(verb->json);
    if (verb->names.empty()) fail_usage("fetch: name what to download; `resnet fetch --list` shows all");
    fetch_all(*verb);
  };
}

}  // namespace resnet::cli
