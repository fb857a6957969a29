// One thing read from the workstation, read again when it changes.
import type { Notice, Topic } from "../model";
import { asNotice } from "../notice";
import { onTopic } from "./topics";

export class Reading<T> {
  value = $state.raw<T | null>(null);
  fault = $state.raw<Notice | null>(null);
  loading = $state(false);
  #read: () => Promise<T>;
  #topics: readonly Topic[];
  #running = false;
  #again = false;
  #generation = 0;

  constructor(read: () => Promise<T>, ...topics: Topic[]) {
    this.#read = read;
    this.#topics = topics;
  }

  /** Reads now and after every change; the returned function ends it. For `$effect`. */
  follow(): () => void {
    const ends = this.#topics.map((topic) => onTopic(topic, () => void this.load()));
    void this.load();
    return () => ends.forEach((end) => end());
  }

  /** Reads once more; calls that come while one runs are folded into one further read. */
  async load(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.loading = true;
    do {
      this.#again = false;
      await this.#once();
    } while (this.#again);
    this.loading = false;
    this.#running = false;
  }

  /** Forgets what was read, also an answer that is still on its way. */
  clear(): void {
    this.#generation += 1;
    this.value = null;
    this.fault = null;
  }

  async #once(): Promise<void> {
    const generation = this.#generation;
    try {
      const value = await this.#read();
      if (generation !== this.#generation) return;
      this.value = value;
      this.fault = null;
    } catch (cause) {
      if (generation === this.#generation) this.fault = asNotice(cause);
    }
  }
}
