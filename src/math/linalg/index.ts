export {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  choleskySolve,
} from "./cholesky.js";
export { type SymmetricEigen, symmetricEigen } from "./eigen.js";
export { inverse, type LuFactors, logDeterminant, luFactor, luSolve, solve } from "./lu.js";
export { identity, matmul, matvec, transpose } from "./matmul.js";
export { type LeastSquares, leastSquares, type QrReduction, qrR, qrReduce } from "./qr.js";
export { type Triangle, triangularSolve } from "./triangular.js";
