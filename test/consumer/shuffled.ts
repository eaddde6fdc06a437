let state = 20_261_127;

/** The same items in another order, which is the same in each run. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => {
      // Numerical Recipes' linear congruential generator.
      state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
      return { item, place: state };
    })
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
