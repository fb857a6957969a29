import "@wardkey/shared/tokens.css";
import "./styles/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { texts } from "./texts";

document.documentElement.lang = texts.locale;
const target = document.getElementById("app");
if (target) mount(App, { target });
