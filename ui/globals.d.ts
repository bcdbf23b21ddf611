// What the webview puts into the window before the page's first script runs.

interface TauriInternals {
  invoke(command: string, values: Record<string, unknown>): Promise<unknown>;
  transformCallback(callback: (raw: any) => void, once?: boolean): number;
  convertFileSrc(path: string, protocol: string): string;
}

interface Window {
  readonly __TAURI_INTERNALS__: TauriInternals;
}
