// The time of day as state, so that whatever shows an age follows it.
class Clock {
  /** Seconds since 1970. */
  now = $state(Math.floor(Date.now() / 1000));

  start(): () => void {
    const timer = setInterval(() => (this.now = Math.floor(Date.now() / 1000)), 1000);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();
