// The table of variants: what each changes in the spec, and what the paper found.
#include "study/shortcuts/shortcuts.hpp"

#include "base/error.hpp"

namespace resnet {
namespace {

constexpr ShortcutVariant table[] = {
    {"original", "original (option A)", VariantGroup::options, "ReLU(F(x) + x)", "6.61", [](ModelSpec&) {}},
    {"option-b", "option B", VariantGroup::options, "1x1 convolution where the shape changes", "",
     [](ModelSpec& spec) { spec.shortcut = Shortcut::option_b; }},
    {"option-c", "option C: 1x1 convolution shortcut", VariantGroup::options, "ReLU(F(x) + BN(W x))", "12.22",
     [](ModelSpec& spec) { spec.shortcut = Shortcut::option_c; }},
    {"scaled-shortcut", "constant scaling 0.5 of x", VariantGroup::scaling, "ReLU(F(x) + 0.5 x)", "above 20 (fail)",
     [](ModelSpec& spec) { spec.shortcut_scale = 0.5; }},
    {"scaled-both", "constant scaling 0.5 of x and F", VariantGroup::scaling, "ReLU(0.5 F(x) + 0.5 x)", "12.35",
     [](ModelSpec& spec) { spec.shortcut_scale = spec.branch_scale = 0.5; }},
    {"exclusive-gate", "exclusive gating, b = -6", VariantGroup::gating, "ReLU(g(x) F(x) + (1 - g(x)) x)", "8.70",
     [](ModelSpec& spec) {
       spec.gate = Gate::exclusive;
       spec.gate_bias = -6;
     }},
    {"exclusive-gate-open", "exclusive gating, b = 0", VariantGroup::gating, "ReLU(g(x) F(x) + (1 - g(x)) x)",
     "above 20 (fail)", [](ModelSpec& spec) { spec.gate = Gate::exclusive; }},
    {"shortcut-gate", "shortcut-only gating, b = -6", VariantGroup::gating, "ReLU(F(x) + (1 - g(x)) x)", "6.91",
     [](ModelSpec& spec) {
       spec.gate = Gate::shortcut_only;
       spec.gate_bias = -6;
     }},
    {"shortcut-gate-open", "shortcut-only gating, b = 0", VariantGroup::gating, "ReLU(F(x) + (1 - g(x)) x)", "12.86",
     [](ModelSpec& spec) { spec.gate = Gate::shortcut_only; }},
    {"dropout", "dropout 0.5 on the shortcut", VariantGroup::scaling, "ReLU(F(x) + dropout(x))", "above 20 (fail)",
     [](ModelSpec& spec) { spec.shortcut_dropout = 0.5; }},
    {"norm-after-addition", "BN after addition", VariantGroup::activation, "ReLU(BN(F(x) + x))", "8.17",
     [](ModelSpec& spec) { spec.activation = Activation::norm_after_addition; }},
    {"relu-before-addition", "ReLU before addition", VariantGroup::activation, "ReLU(F(x)) + x", "7.84",
     [](ModelSpec& spec) { spec.activation = Activation::relu_before_addition; }},
    {"relu-only", "ReLU-only pre-activation", VariantGroup::activation, "F(ReLU(x)) + x, BN behind convolutions",
     "6.71", [](ModelSpec& spec) { spec.activation = Activation::relu_preactivation; }},
    {"pre-activation", "full pre-activation", VariantGroup::activation, "F(ReLU(BN(x))) + x", "6.37",
     [](ModelSpec& spec) { spec.preactivation = true; }},
};

}  // namespace

std::span<const ShortcutVariant> shortcut_variants() { return table; }

ModelSpec variant_of(const ShortcutVariant& variant, int depth) {
  ModelSpec spec = find_model(text_of("resnet", depth));
  const ModelSpec original = spec;
  variant.change(spec);
  if (!(spec == original)) spec.name += text_of("-", variant.name);
  check(spec);
  return spec;
}

}  // namespace resnet
