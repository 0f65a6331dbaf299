// Linear centred kernel alignment (Kornblith et al. 2019): how alike two layers arrange the same images, whatever
// rotation and scale. From minibatches with an unbiased estimator (Nguyen et al. 2021), so that the number of images in
// a batch does not shift it.
#pragma once

#include "base/parallel.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace resnet {

/// Inner products of the rows of x [rows, columns]: [rows, rows], without its diagonal, which is 0.
std::vector<double> gram_without_diagonal(std::span<const float> x, std::size_t rows, ThreadPool& threads);

/// HSIC_1 of two Gram matrices [rows, rows] with zero diagonals (Song et al. 2012, eq. 5; Nguyen et al. 2021, eq. 3):
/// (tr(KL) + 1'K1 1'L1 / ((n-1)(n-2)) - 2/(n-2) 1'KL1) / (n (n-3)). It is a U-statistic, so its mean over batches does
/// not depend on their size. rows >= 4.
double unbiased_hsic(std::span<const double> k, std::span<const double> l, std::size_t rows);

/// HSIC_1 of every pair of layers on one batch, [layers, layers]: `grams` as gram_without_diagonal() makes them.
std::vector<double> hsic_of_pairs(const std::vector<std::vector<double>>& grams, std::size_t rows);

/// Linear CKA of every pair of layers from the sums (or means) of hsic_of_pairs() over batches, [layers, layers]:
/// HSIC(i, j) / sqrt(HSIC(i, i) HSIC(j, j)). NaN for a layer without variance.
std::vector<double> cka_of(std::span<const double> hsic, std::size_t layers);

}  // namespace resnet
