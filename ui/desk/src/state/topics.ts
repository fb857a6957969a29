// Who wants to hear of which change. The workstation says only what changed; each screen reads again what it shows.
import type { Topic } from "../model";

type Heard = () => void;
const listeners = new Map<Topic, Set<Heard>>();

/** Calls `heard` at every change of `topic` until the returned function is called. */
export function onTopic(topic: Topic, heard: Heard): () => void {
  const known = listeners.get(topic) ?? new Set<Heard>();
  listeners.set(topic, known.add(heard));
  return () => known.delete(heard);
}

export function tell(topics: readonly Topic[]): void {
  for (const topic of topics) for (const heard of listeners.get(topic) ?? []) heard();
}
