//! Least squares of many rows at once by conjugate gradients, some weights of each row held at zero.

use super::multiply;

/// The rows `w [m][n]` with the least `sum (w x - t)^2` over examples, given `gram [n][n] = sum x x^T` and `right [m][n] = sum t x^T`,
/// near the rows where they start (`damping` times the distance counts too). Weights with a `false` in `kept` stay zero. So many rounds of
/// conjugate gradients, each row with its own steps, scaled by the diagonal (Hestenes and Stiefel, 1952).
pub fn least_squares(
    gram: &[f32],
    right: &[f32],
    start: &[f32],
    kept: &[bool],
    n: usize,
    damping: f32,
    rounds: usize,
) -> Vec<f32> {
    let m = start.len().checked_div(n).unwrap_or(0);
    let masked = |v: f32, at: usize| if kept[at] { v } else { 0.0 };
    let mut w: Vec<f32> = start.iter().enumerate().map(|(at, v)| masked(*v, at)).collect();
    let anchor = start;
    let scale: Vec<f32> = (0..n).map(|i| 1.0 / (gram[i * n + i] + damping).max(f32::MIN_POSITIVE)).collect();
    let product = |v: &[f32]| {
        let mut y = multiply(v, gram, [m, n, n]);
        y.iter_mut().zip(v).for_each(|(y, v)| *y += damping * v);
        y
    };
    let mut residual: Vec<f32> =
        product(&w).iter().enumerate().map(|(at, y)| masked(right[at] + damping * anchor[at] - y, at)).collect();
    let mut direction: Vec<f32> = residual.iter().enumerate().map(|(at, r)| r * scale[at % n]).collect();
    let mut size: Vec<f64> = rows(&residual, &direction, n);
    let first = size.clone();
    for _ in 0..rounds {
        let mut image = product(&direction);
        image.iter_mut().enumerate().for_each(|(at, v)| *v = masked(*v, at));
        let curve = rows(&direction, &image, n);
        for row in 0..m {
            // A row that is solved stays.
            let step =
                if curve[row] > 0.0 && size[row] > first[row] * 1e-12 { (size[row] / curve[row]) as f32 } else { 0.0 };
            for at in row * n..(row + 1) * n {
                w[at] += step * direction[at];
                residual[at] -= step * image[at];
            }
        }
        let scaled: Vec<f32> = residual.iter().enumerate().map(|(at, r)| r * scale[at % n]).collect();
        let next = rows(&residual, &scaled, n);
        for row in 0..m {
            let share = if size[row] > 0.0 { (next[row] / size[row]) as f32 } else { 0.0 };
            for at in row * n..(row + 1) * n {
                direction[at] = scaled[at] + share * direction[at];
            }
        }
        size = next;
    }
    w
}

/// The sum of products of each row.
fn rows(a: &[f32], b: &[f32], n: usize) -> Vec<f64> {
    let sum = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    a.chunks(n).zip(b.chunks(n)).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::least_squares;

    #[test]
    fn rows_are_solved_with_what_is_kept() {
        // Gram of x = (1, 0), (1, 1), (0, 2); targets of w = (2, -1).
        let gram = [2.0, 1.0, 1.0, 5.0];
        let w = [2.0f32, -1.0];
        let right = [2.0 * w[0] + w[1], w[0] + 5.0 * w[1]];
        let found = least_squares(&gram, &right, &[0.0, 0.0], &[true, true], 2, 0.0, 4);
        assert!((found[0] - 2.0).abs() < 1e-5 && (found[1] + 1.0).abs() < 1e-5, "{found:?}");
        // Without the second weight the first takes what it can: right[0] / gram[0][0].
        let found = least_squares(&gram, &right, &w, &[true, false], 2, 0.0, 4);
        assert_eq!(found, [1.5, 0.0]);
    }
}
