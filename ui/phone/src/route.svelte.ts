/** Where the page is: the part of the address after `#`. */

export type Route =
  | { page: "home" }
  | { page: "scan" }
  | { page: "invite"; link: string }
  | { page: "access"; commitment: string }
  | { page: "records" }
  | { page: "log" };

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "");
  if (path.startsWith("scan?")) return { page: "invite", link: hash };
  const [page, commitment = ""] = path.split("/");
  if (page === "scan" || page === "records" || page === "log") return { page };
  if (page === "access" && /^[0-9a-f]{64}$/.test(commitment)) return { page, commitment };
  return { page: "home" };
}

class Place {
  hash = $state(location.hash);
  route = $derived(parseRoute(this.hash));

  constructor() {
    addEventListener("hashchange", () => {
      this.hash = location.hash;
    });
  }

  go(hash: string): void {
    location.hash = hash;
  }
}

export const place = new Place();
