// Tensors out of the bytes of storages, whatever their strides and type.
#include "formats/half.hpp"
#include "formats/pytorch.hpp"

#include <cstring>
#include <span>
#include <vector>

namespace resnet {
namespace {

/// Stored elements become `To` by `convert`.
template <class Stored, class To, class Convert>
Tensor copied(const TensorRecipe& recipe, std::string_view storage, Convert convert) {
  Tensor tensor(recipe.shape, dtype_of<To>);
  std::span<To> out = tensor.data<To>();
  std::vector<int64_t> index(static_cast<std::size_t>(recipe.shape.rank()));
  int64_t at = recipe.offset;
  for (To& element : out) {
    Stored value;
    std::memcpy(&value, storage.data() + at * static_cast<int64_t>(sizeof value), sizeof value);
    element = convert(value);
    for (std::size_t axis = index.size(); axis-- > 0;) {  // the next element in row-major order
      at += recipe.strides[axis];
      if (++index[axis] < recipe.shape[static_cast<int>(axis)]) break;
      at -= index[axis] * recipe.strides[axis];
      index[axis] = 0;
    }
  }
  return tensor;
}

template <class Stored, class To = Stored>
Tensor copied(const TensorRecipe& recipe, std::string_view storage) {
  return copied<Stored, To>(recipe, storage, [](Stored value) { return static_cast<To>(value); });
}

}  // namespace

Tensor tensor_from(const TensorRecipe& recipe, std::string_view storage) {
  const std::string& type = recipe.type;
  if (type == "Float") return copied<float>(recipe, storage);
  if (type == "Double") return copied<double>(recipe, storage);
  if (type == "Half") return copied<uint16_t, float>(recipe, storage, float_from_f16);
  if (type == "BFloat16") return copied<uint16_t, float>(recipe, storage, float_from_bf16);
  if (type == "Long") return copied<int64_t>(recipe, storage);
  if (type == "Int") return copied<int32_t>(recipe, storage);
  if (type == "Short") return copied<int16_t, int32_t>(recipe, storage);
  if (type == "Char") return copied<int8_t, int32_t>(recipe, storage);
  return copied<uint8_t>(recipe, storage);  // bytes and booleans; other types were refused by element_bytes
}

}  // namespace resnet
