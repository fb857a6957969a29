/** The camera and the QR reader. The reader is loaded only when the camera is used. */
import type jsQR from "jsqr";

/** Longest side that is searched, in pixels: enough for a poster, quick on an old phone. */
const SEARCHED = 800;
/** Pause between two pictures, in milliseconds. */
const PAUSE = 120;

/** A running camera; `stop` turns it off. */
export interface Camera {
  stop: () => void;
}

export type CameraFault = "denied" | "none";

export function cameraFault(error: unknown): CameraFault {
  return error instanceof DOMException && error.name === "NotAllowedError" ? "denied" : "none";
}

function picture(video: HTMLVideoElement, canvas: HTMLCanvasElement): ImageData | undefined {
  const scale = Math.min(1, SEARCHED / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (!drawing || canvas.width === 0) return undefined;
  drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
  return drawing.getImageData(0, 0, canvas.width, canvas.height);
}

/** Shows the camera in `video` and calls `found` for every code read, until stopped. */
export async function watch(video: HTMLVideoElement, found: (text: string) => void): Promise<Camera> {
  if (!navigator.mediaDevices) throw new Error("no camera");
  const [stream, decode] = await Promise.all([
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false }),
    import("jsqr").then((module) => module.default as unknown as typeof jsQR),
  ]);
  let running = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const canvas = document.createElement("canvas");
  video.srcObject = stream;
  await video.play().catch(() => undefined);
  const look = (): void => {
    if (!running) return;
    const image = picture(video, canvas);
    const code = image && decode(image.data, image.width, image.height, { inversionAttempts: "dontInvert" });
    if (code?.data) found(code.data);
    timer = setTimeout(look, PAUSE);
  };
  look();
  return {
    stop: () => {
      running = false;
      clearTimeout(timer);
      stream.getTracks().forEach((track) => track.stop());
    },
  };
}
