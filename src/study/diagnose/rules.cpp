#include "study/diagnose/rules.hpp"

#include <algorithm>

namespace resnet {
namespace {

constexpr HealthRule table[] = {
    {"not-finite", "Numbers are not finite", true,
     "an overflow, a division by zero, or weights that a step has thrown off",
     "start from the last good checkpoint with a lower --lr; look at the named layer and at what it reads",
     "exploding-gradient large-logits rate-too-high rate-too-low train-eval-mismatch statistics-stale input-scale "
     "dead-relu unrelated-labels",
     rules::not_finite},
    {"constant-input", "The images do not differ", true,
     "a loader that returns the same or an empty picture, or values that normalisation or a cast has flattened",
     "look at the images as the network gets them (the report of a training shows some), then `resnet check DATA`",
     "norm-collapsed one-label unrelated-labels train-eval-mismatch input-scale statistics-other-input "
     "statistics-stale "
     "dead-relu shattered-gradient rate-too-low vanishing-gradient nothing-learnt large-logits rate-too-high",
     rules::constant_input},
    {"input-scale", "The input is not normalised as it should be", true,
     "pixels that were not divided by 255 (or twice), a mean and deviation in other units, or none at all",
     "give the mean and deviation of pixels scaled to 0 .. 1 (--mean, --std), or let `train` measure them",
     "statistics-other-input statistics-stale train-eval-mismatch large-logits rate-too-high exploding-gradient "
     "rate-too-low unrelated-labels dead-relu norm-saturated vanishing-gradient norm-collapsed shattered-gradient",
     rules::input_scale},
    {"one-label", "All images have one label", true,
     "labels that were lost on the way: a wrong column, a default, a folder too high or too low",
     "look at the labels (`resnet check DATA` lists the classes), and shuffle if the data are sorted",
     "rate-too-low unrelated-labels", rules::one_label},
    {"rare-classes", "Nearly all images are of one class", true,
     "labels that were lost on the way, or a task in which one class is that frequent: a network that always answers "
     "it "
     "has next to nothing left to learn",
     "look at the labels; if they are right, `--sampling balanced` or `--class-weights balanced`, and judge by class",
     "unrelated-labels nothing-learnt", rules::rare_classes},
    {"permuted-labels", "The labels are those of other classes", true,
     "the classes are in another order than in training, by name or by number",
     "match classes by name, with the list that the model file stores (classes.txt of its run)",
     "other-form unrelated-labels rate-too-high", rules::permuted_labels},
    {"other-form", "The images come in another form than in training", true,
     "a loader that reads light as dark, BGR as RGB, or rows as columns, or that turns pictures over",
     "prepare the images here as they were prepared for the training, or train on them as they are",
     "statistics-other-input statistics-stale train-eval-mismatch unrelated-labels rate-too-high "
     "input-scale",
     rules::other_form},
    {"double-softmax", "A softmax stands before the loss", true,
     "the network ends in a softmax, and the loss takes the softmax of that again, so that its gradient is at most a "
     "few "
     "percent of what it should be",
     "end the network with its last linear layer; the loss wants logits",
     "rate-too-low vanishing-gradient unrelated-labels", rules::probabilities_as_logits},
    {"relu-on-logits", "A ReLU stands before the loss", true,
     "an activation behind the last layer: a class whose logit is 0 gets no gradient",
     "end the network with its last linear layer", "rate-too-low unrelated-labels", rules::relu_on_logits},
    {"equal-weights", "Units of a layer have equal weights", true,
     "weights that start as a constant: all units compute the same, get the same gradient and stay the same",
     "start weights at random (He et al. 2015: variance 2 / fan)",
     "vanishing-gradient dead-relu norm-collapsed unused-parameters rate-too-low idle-blocks unrelated-labels "
     "shattered-gradient train-eval-mismatch statistics-stale statistics-other-input rate-too-high exploding-gradient",
     rules::equal_weights},
    {"gamma-zero", "Batch norms have gamma 0", true,
     "batch norms that start at 0 where no shortcut goes around them, or that weight decay has emptied",
     "start gamma at 1 (0 only at the end of a residual branch), or leave batch norm out of the weight decay "
     "(--decay-all no)",
     "dead-relu vanishing-gradient norm-collapsed idle-blocks unused-parameters rate-too-low unrelated-labels "
     "shattered-gradient "
     "norm-saturated train-eval-mismatch statistics-stale exploding-gradient rate-too-high",
     rules::norm_without_gamma},
    {"norm-saturated", "Batch norms saturate the ReLU behind them", true,
     "beta has been pushed away from 0, by a step that was too large or a file with other conventions",
     "start again with a lower --lr; of a converted file compare gamma and beta with the original",
     "dead-relu vanishing-gradient norm-collapsed unused-parameters idle-blocks rate-too-low unrelated-labels "
     "shattered-gradient train-eval-mismatch statistics-stale exploding-gradient",
     rules::norm_saturated},
    {"dead-relu", "Units are dead", true,
     "biases far below 0, or a step so large that nothing reaches the units' positive side any more; a ReLU that gives "
     "0 "
     "for every image passes no gradient on",
     "start these layers anew, with biases of 0 and a lower --lr or a warm-up (--warmup 0.05)",
     "vanishing-gradient norm-collapsed unused-parameters rate-too-low idle-blocks unrelated-labels shattered-gradient "
     "train-eval-mismatch statistics-stale",
     rules::dead_relu},
    {"saturated-units", "Sigmoids are saturated", true,
     "weights or input so large that a sigmoid gives 0 or 1 and hardly any gradient",
     "start weights smaller (Glorot & Bengio 2010: variance 2 / (fan in + fan out)), or use ReLU with batch norm",
     "vanishing-gradient exploding-gradient large-logits rate-too-low rate-too-high unrelated-labels "
     "shattered-gradient",
     rules::saturated_units},
    {"norm-collapsed", "Batch norms have nothing to normalise", true,
     "what comes in has a variance below epsilon: it is constant, or far too small, and comes out as beta",
     "look at the layer before; make its weights larger, or mend what makes its input constant",
     "dead-relu rate-too-low rate-too-high vanishing-gradient unrelated-labels train-eval-mismatch statistics-stale",
     rules::norm_collapsed},
    {"statistics-untouched", "Running statistics were hardly updated", true,
     "batch norm's momentum is 0 or far too small, or a file of weights came without its buffers",
     "train with a momentum (0.1), or set the statistics from training data (`resnet convert IN OUT --recalibrate "
     "DATA`)",
     "train-eval-mismatch unrelated-labels statistics-stale", rules::statistics_untouched},
    {"statistics-other-input", "The network was trained on input of another scale", true,
     "images are normalised here in another way than in training, or are of another kind",
     "use the mean and deviation of the training (--mean, --std; a model file of this program stores them)",
     "train-eval-mismatch statistics-stale unrelated-labels rate-too-high", rules::statistics_of_other_input},
    {"statistics-stale", "Running statistics are not those of the data", true,
     "batch norm's momentum is too small for the length of the training, the weights were changed afterwards, a file "
     "stores something else than variances, or the data are of another kind than those of the training",
     "train on, or set the statistics from training data (`resnet convert IN OUT --recalibrate DATA`); of other data, "
     "fine-tune",
     "train-eval-mismatch unrelated-labels", rules::statistics_stale},
    {"train-eval-mismatch", "Training and inference disagree", true,
     "inference computes with running statistics, and without dropout; one of them is not what training saw",
     "compare the batch norms' running statistics with the data's below", "unrelated-labels",
     rules::train_eval_mismatch},
    {"unused-parameters", "Parameters get no gradient", true,
     "nothing that the loss depends on reads them, or something on the way stops the gradient",
     "remove the layer, or what cuts it off (a stop-gradient, an integer op, a detached branch)", "vanishing-gradient",
     rules::unused_parameters},
    {"vanishing-gradient", "The gradient vanishes", true,
     "each layer passes on less than it gets: weights that start too small, saturated units, or depth without "
     "normalisation and shortcuts",
     "start weights with variance 2 / fan (He et al. 2015), and use batch norm or shortcuts (resnetN instead of "
     "plainN)",
     "rate-too-low shattered-gradient unrelated-labels", rules::vanishing_gradient},
    {"exploding-gradient", "The gradient explodes", true,
     "each layer passes on more than it gets: weights that start too large, or depth without shortcuts",
     "start weights with variance 2 / fan, use shortcuts, begin at a lower rate (--warmup)",
     "rate-too-high large-logits shattered-gradient unrelated-labels", rules::exploding_gradient},
    {"large-logits", "The first loss is too large", true,
     "weights that start too large, in the last layer or, without batch norm, in all: the first steps do no more than "
     "make them smaller",
     "start weights with variance 2 / fan, the last layer smaller still", "rate-too-high shattered-gradient",
     rules::large_logits},
    {"rate-too-high", "The learning rate is too high", true, "a step leaps over what the gradient describes",
     "divide --lr by 10 (`--warmup 0.05` if only the first steps are too large)", "", rules::rate_too_high},
    {"rate-too-low", "The learning rate is too low", true,
     "steps so small that an epoch of them hardly moves the weights", "multiply --lr by 10, and again",
     "unrelated-labels", rules::rate_too_low},
    {"unrelated-labels", "The labels do not belong to the images", true,
     "labels that were shuffled or shifted against their images, or of another data set",
     "look at some images with their labels (the report of a training shows them), and at how the two are paired", "",
     rules::unrelated_labels},
    {"nothing-learnt", "What was learnt holds for no other image", true,
     "labels that say nothing of the images have been learnt by heart, or the two parts differ in classes or "
     "preparation",
     "look at images of both parts with their labels; `resnet check DATA` finds classes that differ", "",
     rules::nothing_learnt},
    {"idle-blocks", "Blocks do nothing", false,
     "their branch adds next to nothing to the shortcut: weight decay has emptied them, or they never began",
     "fewer blocks would do (`resnet study lesion` tells which)", "", rules::idle_blocks},
    {"shattered-gradient", "Gradients of similar images have little in common", false,
     "depth without shortcuts makes the gradient as a function of the image look like noise (Balduzzi et al. 2017)",
     "use shortcuts (resnetN instead of plainN), or fewer layers", "", rules::shattered_gradient},
    {"frozen-parameters", "Layers are frozen", false, "the recipe says so", "leave out --freeze if that is not meant",
     "", rules::frozen_parameters},
};

bool explains(const HealthRule& rule, std::string_view name) {
  for (std::size_t at = 0; at < rule.explains.size();) {
    const std::size_t end = std::min(rule.explains.find(' ', at), rule.explains.size());
    if (rule.explains.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

/// Forward, nothing has an effect on what comes before it.
bool comes_first(const Evidence& cause, const Evidence& effect) {
  return !cause.place || !effect.place || *cause.place <= *effect.place;
}

}  // namespace

std::span<const HealthRule> health_rules() { return table; }

std::vector<HealthFinding> findings_of(const Measurements& measured) {
  std::vector<HealthFinding> findings;
  for (const HealthRule& rule : table)
    if (std::optional<Evidence> evidence = rule.look(measured))
      findings.push_back({.rule = &rule, .evidence = std::move(*evidence)});
  for (HealthFinding& finding : findings)
    for (const HealthFinding& other : findings)
      if (other.follows_from.empty() && explains(*other.rule, finding.rule->name) &&
          comes_first(other.evidence, finding.evidence)) {
        finding.follows_from = other.rule->name;
        break;
      }
  std::stable_partition(findings.begin(), findings.end(),
                        [](const HealthFinding& finding) { return finding.follows_from.empty(); });
  return findings;
}

bool has_fault(const std::vector<HealthFinding>& findings) {
  return std::ranges::any_of(findings, [](const HealthFinding& finding) { return finding.rule->fault; });
}

}  // namespace resnet
