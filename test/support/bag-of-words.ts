/** Multinomial logistic regression over sets of named features: the baseline that a task without shortcuts defeats. */
export interface Example {
  readonly features: readonly string[];
  readonly label: number;
}

/** Share of `test` classified right after `epochs` passes of stochastic gradient descent (Adagrad) over `training`. */
export function bagOfWordsAccuracy(
  training: readonly Example[],
  test: readonly Example[],
  { classes, epochs }: { readonly classes: number; readonly epochs: number },
): number {
  const ids = new Map<string, number>();
  const known = training.map(({ features, label }) => ({
    label,
    features: [...new Set(features)].map((feature) => {
      if (!ids.has(feature)) ids.set(feature, ids.size);
      return ids.get(feature) as number;
    }),
  }));
  const weights = new Float64Array((ids.size + 1) * classes); // [features, classes]
  const squares = new Float64Array(weights.length);
  const scores = (features: readonly number[]): Float64Array => {
    const total = new Float64Array(classes);
    for (const feature of features)
      for (let c = 0; c < classes; c++) total[c] = (total[c] as number) + (weights[feature * classes + c] as number);
    return total;
  };
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { features, label } of known) {
      const total = scores(features);
      const top = Math.max(...total);
      const exps = total.map((score) => Math.exp(score - top));
      const sum = exps.reduce((a, b) => a + b);
      for (let c = 0; c < classes; c++) {
        const error = (exps[c] as number) / sum - (c === label ? 1 : 0);
        for (const feature of features) {
          const at = feature * classes + c;
          squares[at] = (squares[at] as number) + error * error;
          weights[at] = (weights[at] as number) - (0.1 * error) / Math.sqrt((squares[at] as number) + 1e-8);
        }
      }
    }
  }
  const right = test.filter(({ features, label }) => {
    const total = scores([...new Set(features)].flatMap((feature) => ids.get(feature) ?? []));
    return total.indexOf(Math.max(...total)) === label;
  });
  return right.length / test.length;
}
