// Principal components of a small set of points: the directions in which a learned representation spreads most.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace resnet {

struct PrincipalComponents {
  std::vector<double> scores;  // [rows, kept]: the points, centred, along each component
  std::vector<double> share;   // [kept]: of the total variance, descending; zeros if all points are equal
};

/// Of points [rows, columns], row-major. Eigenvectors of the covariance matrix, or of the matrix of inner products
/// where there are fewer rows than columns (Jolliffe 2002, 3.5), by cyclic Jacobi rotations (Golub & Van Loan, 8.5);
/// the work grows with the cube of the smaller of the two. The largest entry of each column of scores is positive.
/// `kept` is at most rows and columns. Error: no rows, or a point that is not finite.
PrincipalComponents principal_components(std::span<const double> points, int64_t rows, int64_t columns, int64_t kept);

/// Eigenvalues, descending, and in the columns of `vectors` [n, n] the eigenvectors of a symmetric matrix [n, n].
struct SymmetricEigen {
  std::vector<double> values, vectors;
};
SymmetricEigen symmetric_eigen(std::vector<double> matrix, int64_t n);

}  // namespace resnet
