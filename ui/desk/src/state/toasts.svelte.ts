// Short good news: said once, gone by itself.
const SHOWN_MS = 6000;

export interface Toast {
  id: number;
  text: string;
  testid: string;
}

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;

  say(text: string, testid = "toast"): void {
    const toast = { id: this.#next++, text, testid };
    this.list = [...this.list.slice(-2), toast];
    setTimeout(() => this.dismiss(toast.id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  clear(): void {
    this.list = [];
  }
}

export const toasts = new Toasts();
