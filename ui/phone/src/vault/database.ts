/** The phone's own store: IndexedDB. Keys are kept as non-extractable CryptoKey objects; nothing here can be read out. */

const NAME = "wardkey";
const VERSION = 1;

/** Stores and their keys. */
const STORES = {
  /** The one patient of this phone, under `self`. */
  patient: "id",
  /** Section key pairs, under `section:epoch`. */
  sections: "id",
  /** Grants given from this phone, under the commitment in hex. */
  grants: "commitment",
  /** What was seen of the network and the log before, by name. */
  memory: "name",
} as const;

export type StoreName = keyof typeof STORES;

/** Promise of an IndexedDB request. */
function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the phone's storage failed"));
  });
}

/** The opened database. */
export class Database {
  private constructor(private readonly idb: IDBDatabase) {}

  static async open(factory: IDBFactory = indexedDB): Promise<Database> {
    const request = factory.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const [store, keyPath] of Object.entries(STORES)) request.result.createObjectStore(store, { keyPath });
    };
    return new Database(await settled(request));
  }

  get<T>(store: StoreName, key: string): Promise<T | undefined> {
    return settled(this.idb.transaction(store).objectStore(store).get(key) as IDBRequest<T | undefined>);
  }

  all<T>(store: StoreName): Promise<T[]> {
    return settled(this.idb.transaction(store).objectStore(store).getAll() as IDBRequest<T[]>);
  }

  /** Writes all values or none, durably. */
  put(values: readonly (readonly [store: StoreName, value: object])[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const stores = [...new Set(values.map(([store]) => store))];
      const transaction = this.idb.transaction(stores, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("the phone's storage failed"));
      for (const [store, value] of values) transaction.objectStore(store).put(value);
    });
  }

  close(): void {
    this.idb.close();
  }
}
