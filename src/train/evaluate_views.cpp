#include "train/evaluate_views.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "train/evaluate.hpp"
#include "train/scoring.hpp"

#include <algorithm>

namespace resnet {
namespace {

/// Pictures that are decoded together, so that all threads have something to do.
constexpr int64_t decoded_together = 64;

/// A network, and where its classes are among those of the first one.
struct Member {
  std::unique_ptr<Scorer> scorer;
  std::vector<int32_t> labels;
};

std::vector<Member> members_of(const std::vector<OpenedModel>& models, const Views& views,
                               const std::shared_ptr<ThreadPool>& threads) {
  std::vector<Member> members;
  const std::vector<std::string>& classes = models.front().info.classes;
  for (const OpenedModel& model : models) {
    if (model.info.classes.size() != classes.size())
      fail_model("the networks of an ensemble have ", classes.size(), " and ", model.info.classes.size(), " classes");
    members.push_back({std::make_unique<Scorer>(model.info, model.state, views, threads),
                       matched_classes(model.info.classes, classes)});
  }
  return members;
}

std::vector<double> mean_probabilities(const std::vector<Member>& members, const Image& picture) {
  std::vector<double> sums(members.front().labels.size());
  for (const Member& member : members) {
    const std::vector<double> own = member.scorer->probabilities(picture);
    for (std::size_t k = 0; k < own.size(); ++k) sums[static_cast<std::size_t>(member.labels[k])] += own[k];
  }
  for (double& sum : sums) sum /= static_cast<double>(members.size());
  return sums;
}

struct Decoded {
  Image picture;
  std::string problem;  // empty: there is a picture
};

std::vector<Decoded> decode(const Dataset& dataset, int64_t first, int64_t last, int channels, ThreadPool& threads) {
  std::vector<Decoded> pictures(static_cast<std::size_t>(last - first));
  threads.run(static_cast<int>(last - first), [&](int task, int) {
    Decoded& one = pictures[static_cast<std::size_t>(task)];
    try {
      one.picture = dataset.picture(first + task, {.channels = channels}).image;
    } catch (const Error& error) {
      if (error.code() != ExitCode::bad_data) throw;
      one.problem = error.what();
    }
  });
  return pictures;
}

Tensor row_of(const std::vector<float>& values) {
  Tensor row({1, std::ssize(values)});
  std::ranges::copy(values, row.data<float>().begin());
  return row;
}

}  // namespace

std::optional<EvaluationResult> evaluate_views(const std::vector<OpenedModel>& models,
                                               const std::shared_ptr<const Dataset>& dataset, const Views& views,
                                               BadImages& bad, const std::shared_ptr<ThreadPool>& threads) {
  const ModelInfo& info = models.front().info;
  const std::vector<Member> members = members_of(models, views, threads);
  const std::vector<int32_t> labels = matched_classes(dataset->classes(), info.classes);
  EvaluationSums sums(info.classes);
  Progress progress("evaluation", dataset->size(), "images");
  Tensor truth({1}, DType::i32);
  for (int64_t first = 0; first < dataset->size(); first += decoded_together) {
    const int64_t last = std::min(first + decoded_together, dataset->size());
    const std::vector<Decoded> pictures = decode(*dataset, first, last, info.preprocessing.channels, *threads);
    for (int64_t index = first; index < last; ++index) {
      if (interrupted()) return std::nullopt;
      const Decoded& one = pictures[static_cast<std::size_t>(index - first)];
      if (!one.problem.empty()) {
        const BadImage image{dataset->name_of(index), one.problem};
        bad.add({&image, 1});
        continue;
      }
      const std::vector<double> probabilities =
          with_context(dataset->name_of(index), [&] { return mean_probabilities(members, one.picture); });
      truth.data<int32_t>()[0] = labels[static_cast<std::size_t>(dataset->label(index))];
      sums.add(row_of(as_logits(probabilities)), truth, 1);
      progress.update(index + 1);
    }
  }
  EvaluationResult result = sums.result();
  for (const Member& member : members) result.macs += member.scorer->macs();
  result.macs /= std::max<int64_t>(result.count, 1);
  return result;
}

}  // namespace resnet
