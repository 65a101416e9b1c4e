const syllables = ['ka', 'ro', 'mi', 'ten', 'la', 'shu', 'ber', 'on', 'dis', 'qua', 'fi', 'wel', 'tra', 'po'];

/** Words as often as in prose, the same in every run: the n-th is about n times as rare as the first. */
export class Prose {
  readonly vocabulary: readonly string[];
  #state = 1;

  /** `size` is how many words there are. */
  constructor(size: number) {
    this.vocabulary = Array.from({ length: size }, (_, n) => {
      let word = '';
      for (let rest = n + 14; rest > 0; rest = Math.floor(rest / 14)) word += syllables[rest % 14];
      return word;
    });
  }

  /** Some words of a text. */
  words(count: number): string[] {
    return Array.from({ length: count }, () => this.#word());
  }

  #word(): string {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    const share = this.#state / 2 ** 32;
    return this.vocabulary[Math.floor(this.vocabulary.length ** share) - 1] ?? '';
  }
}
