// The catalogue in use. One language so far; a second one is chosen here.
import { en, type Texts } from "./en";

export const texts: Texts = en;
