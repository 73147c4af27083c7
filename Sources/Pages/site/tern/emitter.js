/** Tells listeners of events. Unlike an EventTarget it hands them the details themselves, and cancels with a call. */
export class Emitter {
  #listeners = new Map();

  /**
   * @param {string} event
   * @param {(details: any) => void} listener
   * @returns {() => void} Call it to listen no longer.
   */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** @package */
  emit(event, details = {}) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(details);
      } catch (error) {
        // A listener's mistake is the application's to see, and none of the other listeners' business.
        reportError(error);
      }
    }
  }
}
