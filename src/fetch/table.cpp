// Sources of the facts: torchvision 0.15's classes ..._Weights for the addresses, the first eight digits of the SHA-256
// (they are part of the file's name) and the sizes in MiB, which they give with three decimals; the list of checksums
// of TensorFlow Datasets for address, size and SHA-256 of the data sets.
#include "fetch/table.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <algorithm>
#include <string>

namespace resnet {
namespace {

constexpr std::string_view torchvision_licence = "BSD-3-Clause (torchvision); trained on ImageNet, for research only";
constexpr std::string_view imagenette_licence = "Apache-2.0; photos from ImageNet, for research only";

constexpr uint64_t mebibytes(double published) { return static_cast<uint64_t>((published + 0.0005) * (1 << 20)) + 1; }

struct WeightsRow {
  std::string_view name, model, file, sha256;
  double mebibytes;
  int resize;
  std::string_view title;
};

constexpr WeightsRow weights_rows[] = {
    {"resnet18", "resnet18", "resnet18-f37072fd.pth", "f37072fd", 44.661, 256, "top-1 69.758%"},
    {"resnet34", "resnet34", "resnet34-b627a593.pth", "b627a593", 83.275, 256, "top-1 73.314%"},
    {"resnet50", "resnet50", "resnet50-0676ba61.pth", "0676ba61", 97.781, 256, "top-1 76.130%"},
    {"resnet50.v2", "resnet50", "resnet50-11ad3fa6.pth", "11ad3fa6", 97.79, 232, "top-1 80.858%"},
    {"resnet101", "resnet101", "resnet101-63fe2227.pth", "63fe2227", 170.511, 256, "top-1 77.374%"},
    {"resnet101.v2", "resnet101", "resnet101-cd907fc2.pth", "cd907fc2", 170.53, 232, "top-1 81.886%"},
    {"resnet152", "resnet152", "resnet152-394f9c45.pth", "394f9c45", 230.434, 256, "top-1 78.312%"},
    {"resnet152.v2", "resnet152", "resnet152-f82ba261.pth", "f82ba261", 230.474, 232, "top-1 82.284%"},
    {"resnext50_32x4d", "resnext50_32x4d", "resnext50_32x4d-7cdf4587.pth", "7cdf4587", 95.789, 256, "top-1 77.618%"},
    {"resnext50_32x4d.v2", "resnext50_32x4d", "resnext50_32x4d-1a0047aa.pth", "1a0047aa", 95.833, 232, "top-1 81.198%"},
    {"resnext101_32x8d", "resnext101_32x8d", "resnext101_32x8d-8ba56ff5.pth", "8ba56ff5", 339.586, 256,
     "top-1 79.312%"},
    {"resnext101_32x8d.v2", "resnext101_32x8d", "resnext101_32x8d-110c445d.pth", "110c445d", 339.673, 232,
     "top-1 82.834%"},
    {"resnext101_64x4d", "resnext101_64x4d", "resnext101_64x4d-173b62eb.pth", "173b62eb", 319.318, 232,
     "top-1 83.246%"},
    {"wide_resnet50_2", "wide_resnet50_2", "wide_resnet50_2-95faca4d.pth", "95faca4d", 131.82, 256, "top-1 78.468%"},
    {"wide_resnet50_2.v2", "wide_resnet50_2", "wide_resnet50_2-9ba9bcbe.pth", "9ba9bcbe", 263.124, 232,
     "top-1 81.602%"},
    {"wide_resnet101_2", "wide_resnet101_2", "wide_resnet101_2-32ee1156.pth", "32ee1156", 242.896, 256,
     "top-1 78.848%"},
    {"wide_resnet101_2.v2", "wide_resnet101_2", "wide_resnet101_2-d733dc28.pth", "d733dc28", 484.747, 232,
     "top-1 82.510%"},
    {"densenet121", "densenet121", "densenet121-a639ec97.pth", "a639ec97", 30.845, 256, "top-1 74.434%"},
    {"densenet161", "densenet161", "densenet161-8d451a50.pth", "8d451a50", 110.369, 256, "top-1 77.138%"},
    {"densenet169", "densenet169", "densenet169-b2777c0a.pth", "b2777c0a", 54.708, 256, "top-1 75.600%"},
    {"densenet201", "densenet201", "densenet201-c1103571.pth", "c1103571", 77.373, 256, "top-1 76.896%"},
};

std::vector<Published> data_sets() {
  return {
      {.name = "cifar10",
       .kind = PublishedKind::unpacked,
       .title = "CIFAR-10: 60,000 images of 32x32, 10 classes (Krizhevsky 2009)",
       .licence = "none stated; its author asks for citation",
       .files = {{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                  "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170052171}}},
      {.name = "cifar100",
       .kind = PublishedKind::unpacked,
       .title = "CIFAR-100: 60,000 images of 32x32, 100 classes (Krizhevsky 2009)",
       .licence = "none stated; its author asks for citation",
       .files = {{"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                  "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", 168513733}}},
      {.name = "mnist",
       .kind = PublishedKind::packed,
       .title = "MNIST: 70,000 digits of 28x28 (LeCun et al. 1998)",
       .licence = "CC BY-SA 3.0",
       .files = {{"https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
                  "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422},
                 {"https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
                  "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881},
                 {"https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz",
                  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877},
                 {"https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
                  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542}}},
      {.name = "fashion-mnist",
       .kind = PublishedKind::packed,
       .title = "Fashion-MNIST: 70,000 articles of clothing of 28x28 (Xiao et al. 2017)",
       .licence = "MIT",
       .files = {{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
                  "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880},
                 {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
                  "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515},
                 {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
                  "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102},
                 {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
                  "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148}}},
      {.name = "imagenette",
       .kind = PublishedKind::decompressed,
       .title = "Imagenette 2, shorter side 320: photos of 10 classes of ImageNet (Howard 2019)",
       .licence = imagenette_licence,
       .files = {{"https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz",
                  "5020a9130cea0348272823cb12d2db7e981c6f2afa3dce71ccd5b8013005c55e", 341553947}}},
      {.name = "imagenette160",
       .kind = PublishedKind::decompressed,
       .title = "Imagenette 2, shorter side 160",
       .licence = imagenette_licence,
       .files = {{"https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz",
                  "88daccb09b6fce93f45e6c09ddeb269cce705549e6bff322092a2a5a11489863", 98948031}}},
  };
}

/// The addresses of weights, which outlive their rows.
const std::vector<std::string>& weights_addresses() {
  static const std::vector<std::string> addresses = [] {
    std::vector<std::string> list;
    for (const WeightsRow& row : weights_rows)
      list.push_back("https://download.pytorch.org/models/" + std::string(row.file));
    return list;
  }();
  return addresses;
}

std::vector<Published> whole_table() {
  std::vector<Published> table = data_sets();
  for (std::size_t i = 0; i < std::size(weights_rows); ++i) {
    const WeightsRow& row = weights_rows[i];
    table.push_back({.name = row.name,
                     .kind = PublishedKind::weights,
                     .title = row.title,
                     .licence = torchvision_licence,
                     .files = {{weights_addresses()[i], row.sha256, mebibytes(row.mebibytes), false}},
                     .model = row.model,
                     .resize = row.resize});
  }
  return table;
}

}  // namespace

std::span<const Published> published() {
  static const std::vector<Published> table = whole_table();
  return table;
}

const Published* find_published(std::string_view name) {
  const auto found = std::ranges::find(published(), name, &Published::name);
  return found == published().end() ? nullptr : &*found;
}

const Published& expect_published(std::string_view name) {
  if (const Published* found = find_published(name)) return *found;
  std::vector<std::string> names;
  for (const Published& item : published()) names.emplace_back(item.name);
  const std::string hint = did_you_mean(std::string(name), names);
  fail_usage("fetch: there is nothing called '", name, "'", hint.empty() ? "; " : hint + " ",
             "`resnet fetch --list` shows all");
}

}  // namespace resnet
