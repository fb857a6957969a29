import "@wardkey/shared/tokens.css";
import "./page.css";
import { mount } from "svelte";
import App from "./App.svelte";

const target = document.getElementById("app");
if (target) mount(App, { target });

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // Only keeps the page itself for a phone without a connection; the page works without it.
  navigator.serviceWorker.register("./sw.js").catch(() => undefined);
}
