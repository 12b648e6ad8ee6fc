// Products of a matrix, row after row from an offset on, in the typed arrays of any number.

// y += M x. Four rows at a time: their sums do not wait for each other.
function addProduct(y, at, matrix, offset, rows, columns, x, from) {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    let a = offset + r * columns;
    let b = a + columns;
    let c = b + columns;
    let d = c + columns;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let k = 0; k < columns; ++k) {
      const value = x[from + k];
      s0 += matrix[a++] * value;
      s1 += matrix[b++] * value;
      s2 += matrix[c++] * value;
      s3 += matrix[d++] * value;
    }
    y[at + r] += s0;
    y[at + r + 1] += s1;
    y[at + r + 2] += s2;
    y[at + r + 3] += s3;
  }
  for (; r < rows; ++r) {
    let sum = 0;
    for (let k = 0; k < columns; ++k) sum += matrix[offset + r * columns + k] * x[from + k];
    y[at + r] += sum;
  }
}

// y += Mᵀ x, the rows as they lie, four at a time.
function addTransposed(y, at, matrix, offset, rows, columns, x, from) {
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const a = offset + r * columns;
    const [b, c, d] = [a + columns, a + 2 * columns, a + 3 * columns];
    const [x0, x1, x2, x3] = [x[from + r], x[from + r + 1], x[from + r + 2], x[from + r + 3]];
    if (!x0 && !x1 && !x2 && !x3) continue;
    for (let k = 0; k < columns; ++k)
      y[at + k] += matrix[a + k] * x0 + matrix[b + k] * x1 + matrix[c + k] * x2 + matrix[d + k] * x3;
  }
  for (; r < rows; ++r) {
    const value = x[from + r];
    for (let k = 0; k < columns; ++k) y[at + k] += matrix[offset + r * columns + k] * value;
  }
}

// M += y xᵀ.
function addOuter(matrix, offset, rows, columns, y, at, x, from) {
  for (let r = 0; r < rows; ++r) {
    const value = y[at + r];
    const start = offset + r * columns;
    for (let k = 0; k < columns; ++k) matrix[start + k] += value * x[from + k];
  }
}
