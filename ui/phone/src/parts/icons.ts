/** Line icons, drawn for Wardkey on a 24 × 24 grid. */
export const ICONS = {
  home: "M4 11.5 12 5l8 6.5M6 10v9h12v-9M10 19v-5h4v5",
  records: "M7 3h8l4 4v14H7zM15 3v4h4M10 12h6M10 16h6",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 8h3v3H8zM13 13h3v3h-3zM13 8h3v3h-3zM8 13h3v3H8z",
  check: "M5 12.5 10 17.5 19.5 7",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 7.5V12l3 2",
  warn: "M12 3.5 22 20.5H2zM12 10v5M12 17.6v.4",
  stop: "M8.2 3h7.6L21 8.2v7.6L15.8 21H8.2L3 15.8V8.2zM12 7.5v6M12 16.3v.4",
  back: "M14.5 5 8 12l6.5 7",
  next: "M9.5 5 16 12l-6.5 7",
  building: "M5 21V5h9v16M14 10h5v11M3 21h18M8 9h3M8 13h3M8 17h3",
  camera: "M4 8h4l1.5-2.5h5L16 8h4v11H4zM12 10.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
  key: "M11.5 12a4.25 4.25 0 1 1-8.5 0 4.25 4.25 0 0 1 8.5 0M11.5 12H21v3.5M17 12v3",
  shield: "M12 3 20 6v6c0 4.5-3.2 7.6-8 9-4.8-1.4-8-4.5-8-9V6zM8.5 12l2.5 2.5 4.5-5",
} as const;

export type IconName = keyof typeof ICONS;
