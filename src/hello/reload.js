// Loads the page anew when it has changed: the server tells which version it has now, the address of this
// script which one this page is.
"use strict";
const shown = new URL(document.currentScript.src).searchParams.get("v");
const events = new EventSource("/events");
events.addEventListener("page", (event) => {
  if (event.data !== shown) location.reload();
});
events.addEventListener("reload", () => location.reload());
