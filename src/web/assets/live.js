// Keeps a page current while somebody looks at it. Nothing needs it: every page can be read without.
"use strict";
(() => {
  const LONG_MS = 5 * 60 * 1000; // hidden for longer than this, the page lets go of its connection
  const RETRY_MS = 5000;         // after an answer that the browser does not try again by itself
  const kind = document.body.dataset.live;
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("belfry", { createHTML: (html) => html })
    : { createHTML: (html) => html };
  let source = null, seen = new Date(), missed = false, retry = 0, hidden = 0, fetching = null, again = false;
  let skew = 0; // how far the server's clock is ahead of ours

  const status = (on) => {
    const live = document.getElementById("live");
    const two = (n) => String(n).padStart(2, "0");
    live.className = on ? "on" : "off";
    const text = on ? "live" : `not connected, last seen ${two(seen.getHours())}:${two(seen.getMinutes())}`;
    if (live.textContent !== text) live.textContent = text;
  };

  // Somebody who is writing is not disturbed.
  const writing = (part) => {
    const active = document.activeElement;
    return active && part.contains(active) && active.matches("input, textarea");
  };

  // Commands to copy name the address that this page came from.
  const origin = (part) => part.querySelectorAll(".origin").forEach((span) => { span.textContent = location.origin; });

  // Replaces a part; what had the focus and what was unfolded stays so.
  const replace = (old, part) => {
    const focusable = "a, button, summary, input";
    const place = [...old.querySelectorAll(focusable)].indexOf(document.activeElement);
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const [x, y] = [scrollX, scrollY];
    origin(part);
    old.replaceWith(part);
    part.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
    if (place >= 0) part.querySelectorAll(focusable)[place]?.focus({ preventScroll: true });
    scrollTo(x, y);
  };

  const whole = () => {
    if (fetching) { again = true; return; }
    const request = fetching = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = 10000;
    request.onloadend = () => {
      fetching = null;
      const page = request.response;
      const [old, part] = [document.querySelector("main"), page?.querySelector("main")];
      if (part && request.status < 500 && !writing(old)) {
        replace(old, part);
        document.title = page.title;
        const foot = page.getElementById("foot");
        if (foot) document.getElementById("foot").replaceWith(foot);
        clock();
      }
      if (again) { again = false; whole(); }
    };
    request.send();
  };

  const fragment = ({ id, html }) => {
    const old = document.getElementById(id);
    if (!old) return whole(); // a check that was not there when the page came
    const template = document.createElement("template");
    template.innerHTML = policy.createHTML(html);
    const part = template.content.firstElementChild;
    if (!part || writing(old)) return;
    if (part.className !== old.className) part.classList.add("fresh");
    replace(old, part);
    if (part.dataset.title) document.title = `${part.dataset.title} · ${document.body.dataset.node}`;
    if (id === "foot") clock();
  };

  const on = (name, act) => source.addEventListener(name, (event) => {
    seen = new Date();
    status(true);
    act(event);
  });

  const connect = () => {
    clearTimeout(retry);
    source?.close();
    source = new EventSource("/events");
    on("open", () => { if (missed) { missed = false; whole(); } });
    on("fragment", (event) => { if (kind === "fragments") fragment(JSON.parse(event.data)); });
    on("changed", () => { if (kind === "whole") whole(); });
    on("reload", () => location.reload());
    source.onerror = () => {
      missed = true;
      status(false);
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS);
    };
  };

  const release = () => { clearTimeout(retry); source?.close(); missed = true; };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(release, LONG_MS);
    else if (!source || source.readyState === EventSource.CLOSED) connect();
  });
  addEventListener("pagehide", release);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });

  // Spans go on counting, by the server's clock.
  const clock = () => {
    const times = document.querySelectorAll("#foot time");
    const now = times[times.length - 1];
    if (now) skew = Date.parse(now.dateTime) - Date.now();
  };
  const human = (s) => {
    const pair = (big, unit, small, less) => (small ? `${big} ${unit} ${small} ${less}` : `${big} ${unit}`);
    if (s < 60) return `${s} s`;
    if (s < 3600) return pair(Math.floor(s / 60), "min", s % 60, "s");
    if (s < 86400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
    return pair(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
  };
  const tick = () => {
    if (document.hidden) return;
    document.querySelectorAll("time.ago").forEach((span) => {
      const text = human(Math.floor(Math.abs(Date.now() + skew - Date.parse(span.dateTime)) / 1000));
      if (span.textContent !== text) span.textContent = text;
    });
  };

  clock();
  origin(document);
  if (kind === "still") return;
  setInterval(tick, 1000);
  if (!document.hidden) connect();
})();
