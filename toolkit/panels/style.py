"""The looks of the panels: one style sheet, held to their root, that follows JupyterLab's theme.

Colours come from the theme's own variables, with fallbacks for viewers that have none.
"""

from __future__ import annotations

_LIGHT = """
  --btk-text: var(--jp-ui-font-color0, var(--vscode-editor-foreground, #1d2127));
  --btk-soft: var(--jp-ui-font-color1, #3c4149);
  --btk-faint: #6f767f;
  --btk-line: #e3e5e8;
  --btk-card: var(--jp-layout-color1, var(--vscode-editor-background, #fff));
  --btk-wash: rgba(127, 132, 140, .08);
  --btk-track: #e4e6e9;
  --btk-ok: #0fc27e; --btk-ok-text: #067a4e; --btk-ok-wash: #d9f7ea;
  --btk-busy: #f2a20c; --btk-busy-text: #8a5a00; --btk-busy-wash: #fdf0d2;
  --btk-hot: #f6465d; --btk-hot-text: #c01f38; --btk-hot-wash: #fde2e6;
  --btk-made-text: #5b3fc4; --btk-made-wash: #ebe6fd;
  --btk-brand: #f0b90b;
"""

_DARK = """
  --btk-text: #eceef1;
  --btk-soft: #d0d4d9;
  --btk-faint: #959ca6;
  --btk-line: #3a3d42;
  --btk-wash: rgba(160, 166, 175, .10);
  --btk-track: #3d4046;
  --btk-ok-text: #3ddc9f; --btk-ok-wash: #11392b;
  --btk-busy-text: #f7bf52; --btk-busy-wash: #42330f;
  --btk-hot-text: #ff8796; --btk-hot-wash: #471f26;
  --btk-made-text: #bbaaff; --btk-made-wash: #312a56;
"""

_RULES = """
.btk-panel {
  color: var(--btk-soft); font-size: 13px; line-height: 1.4; gap: 10px; padding: 2px 2px 6px;
  font-family: Inter, var(--jp-ui-font-family, system-ui, sans-serif);
  font-variant-numeric: tabular-nums; overflow: visible; container-type: inline-size;
}
.btk-panel .jupyter-widgets { margin: 0; }
.btk-panel .widget-box { overflow: visible; }
.btk-panel .widget-html, .btk-panel .jupyter-widget-html { height: auto; min-width: 0; }
.btk-panel .widget-html-content {
  color: inherit; line-height: 1.4; font-size: 13px; flex: 1; min-width: 0; align-self: stretch;
}
.btk-panel .btk-style, .btk-panel .widget-html:has(> .widget-html-content:empty) { display: none; }
.btk-panel .btk-grow { flex: 1 1 auto; }

.btk-head { align-items: center; gap: 8px; flex-wrap: wrap; }
.btk-head > button.jupyter-button { margin-left: auto; }
.btk-title { display: flex; align-items: center; gap: 11px; }
.btk-title svg { flex: none; display: block; }
.btk-title b { display: block; font-size: 16px; font-weight: 600; color: var(--btk-text); line-height: 1.3; }
.btk-title span { color: var(--btk-faint); font-size: 12px; }
.btk-chips { display: flex; gap: 6px; align-items: center; flex-wrap: wrap; }
.btk-chip {
  border: 1px solid var(--btk-line); border-radius: 99px; padding: 2px 10px; font-size: 12px;
  color: var(--btk-faint); white-space: nowrap; background: var(--btk-wash);
}
.btk-chip.btk-live::before {
  content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%;
  background: var(--btk-ok); margin-right: 6px;
}
.btk-chip.btk-made {
  background: var(--btk-made-wash); color: var(--btk-made-text); border-color: transparent;
  font-weight: 600; letter-spacing: .04em; font-size: 11px; padding: 3px 10px;
}
.btk-chip.btk-old {
  background: var(--btk-busy-wash); color: var(--btk-busy-text); border-color: transparent; font-weight: 600;
}

.btk-card { border: 1px solid var(--btk-line); border-radius: 10px; background: var(--btk-card); }
.btk-clipped, .btk-rows { overflow: auto hidden; }
.btk-rows { margin-top: 10px; }
.btk-grid { display: grid; gap: 10px; grid-template-columns: repeat(4, minmax(0, 1fr)); }
.btk-grid.btk-3 { grid-template-columns: repeat(3, minmax(0, 1fr)); }
.btk-grid.btk-2, .btk-grid.btk-1 { grid-template-columns: repeat(2, minmax(0, 1fr)); }
@container (max-width: 1059px) { .btk-grid.btk-4 { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@container (max-width: 719px) { .btk-grid.btk-3 { grid-template-columns: minmax(0, 1fr); } }
@container (max-width: 479px) { .btk-panel .btk-grid { grid-template-columns: minmax(0, 1fr); } }
.btk-grid > .btk-card { padding: 12px 13px 11px; min-width: 0; }
.btk-row { display: flex; align-items: center; gap: 10px; }
.btk-row > .btk-name {
  flex: 1; min-width: 0; font-weight: 600; color: var(--btk-text);
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
.btk-row > .btk-name small { display: block; }
.btk-name small { font-weight: 400; font-size: 12px; color: var(--btk-faint); }
.btk-state {
  border-radius: 99px; padding: 1px 9px; font-size: 11.5px; font-weight: 600; white-space: nowrap;
}
.btk-ok { color: var(--btk-ok-text); background: var(--btk-ok-wash); }
.btk-busy { color: var(--btk-busy-text); background: var(--btk-busy-wash); }
.btk-hot { color: var(--btk-hot-text); background: var(--btk-hot-wash); }
.btk-idle { color: var(--btk-faint); background: var(--btk-wash); }
.btk-gauge { display: flex; gap: 12px; margin-top: 9px; align-items: flex-end; }
.btk-gauge > svg { flex: none; display: block; overflow: visible; width: 96px; height: auto; }
.btk-gauge > div { flex: 1; min-width: 0; }
.btk-used { color: var(--btk-faint); white-space: nowrap; }
.btk-gauge .btk-used { display: block; overflow: hidden; text-overflow: ellipsis; font-size: 12.5px; }
.btk-used b { color: var(--btk-text); font-weight: 600; }
.btk-gauge svg { display: block; }
.btk-foot {
  display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 6px; color: var(--btk-faint);
  font-size: 11px; white-space: nowrap; margin-top: 3px;
}

.btk-card h4 { margin: 0; padding: 11px 14px 9px; font-size: 13px; font-weight: 600; color: var(--btk-text); }
.btk-card h4 small { font-weight: 400; font-size: 12px; color: var(--btk-faint); margin-left: 6px; }
.btk-scroll { overflow: auto; max-height: 430px; border-radius: 0 0 10px 10px; }
.btk-panel table.btk-table {
  border-collapse: collapse; width: 100%; margin: 0; font-size: 12.5px; border: 0; color: var(--btk-soft);
}
.btk-panel .btk-table th, .btk-panel .btk-table td {
  padding: 6px 14px; text-align: right; white-space: nowrap; border: 0; border-top: 1px solid var(--btk-line);
  background: transparent; vertical-align: middle; max-width: none; line-height: 1.35;
}
.btk-panel .btk-table thead {
  position: sticky; top: 0; z-index: 1; box-shadow: inset 0 -1px var(--btk-line);
  background: linear-gradient(var(--btk-wash), var(--btk-wash)), var(--btk-card);
}
.btk-panel .btk-table th { color: var(--btk-faint); font-weight: 500; font-size: 12px; }
.btk-panel .btk-table tbody tr:first-child td { border-top: 0; }
.btk-panel .btk-table tbody tr:hover td { background: var(--btk-wash); }
.btk-panel .btk-table .btk-left { text-align: left; }
.btk-table td b { font-weight: 600; color: var(--btk-text); }
.btk-table small, .btk-faint { color: var(--btk-faint); }
.btk-table small { font-size: 11.5px; }
.btk-panel .btk-table td.btk-clip { max-width: min(300px, 42cqw); overflow: hidden; text-overflow: ellipsis; }
.btk-off {
  color: var(--btk-faint); background: var(--btk-wash); border-radius: 99px; padding: 1px 8px;
  font-size: 11px;
}
.btk-level {
  display: inline-flex; width: 72px; height: 5px; border-radius: 3px; background: var(--btk-track);
  overflow: hidden; vertical-align: middle; margin-right: 10px;
}
.btk-num { display: inline-block; min-width: 62px; }
.btk-level i { display: block; height: 100%; background: var(--btk-brand); }
.btk-level i:last-child { border-radius: 0 3px 3px 0; }
.btk-level i.btk-ok, .btk-key.btk-ok { background: var(--btk-ok); }
.btk-level i.btk-busy, .btk-key.btk-busy { background: var(--btk-busy); }
.btk-level i.btk-hot, .btk-key.btk-hot { background: var(--btk-hot); }
i.btk-machine { opacity: .5; }
i.btk-in_flight { opacity: .25; }
.btk-level i.btk-others, .btk-key.btk-others {
  background: repeating-linear-gradient(90deg, var(--btk-faint) 0 1.5px, transparent 1.5px 3px);
}
.btk-legend {
  display: flex; flex-wrap: wrap; gap: 1px 11px; margin-top: 8px; font-size: 11px; color: var(--btk-faint);
  white-space: nowrap;
}
.btk-legend b { font-weight: 600; color: var(--btk-soft); }
.btk-key {
  display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 5px;
  vertical-align: -0.5px;
}
.btk-panel .btk-grouped tbody + tbody tr:first-child td { border-top: 1px solid var(--btk-line); }
.btk-panel .btk-grouped tbody tr + tr td { border-top: 0; padding-top: 2px; }
.btk-panel .btk-grouped .btk-pool { vertical-align: top; }
.btk-panel .btk-grouped tbody tr:hover .btk-pool { background: transparent; }

.btk-tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); overflow: hidden; }
.btk-tiles > div { padding: 11px 14px; box-shadow: -1px -1px 0 var(--btk-line); min-width: 0; }
.btk-tiles span {
  display: block; color: var(--btk-faint); font-size: 12px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis;
}
.btk-tiles b {
  display: block; font-size: 19px; font-weight: 600; color: var(--btk-text); line-height: 1.45;
  white-space: nowrap;
}
.btk-tiles b small { font-size: 12px; font-weight: 500; color: var(--btk-faint); }
.btk-tiles .btk-cut { color: var(--btk-busy-text); }
.btk-tiles .btk-up { color: var(--btk-ok-text); }
.btk-tiles .btk-down { color: var(--btk-hot-text); }

.btk-note { border-radius: 10px; padding: 9px 14px; display: flex; gap: 10px; align-items: baseline; }
.btk-note + .btk-note { margin-top: 8px; }
.btk-note b { font-weight: 600; white-space: nowrap; }
.btk-note > span { flex: 1; color: var(--btk-soft); overflow-wrap: anywhere; }
.btk-note time { font-weight: 600; white-space: nowrap; }
.btk-note progress { width: 130px; height: 6px; align-self: center; accent-color: var(--btk-brand); }
.btk-note.btk-idle { color: var(--btk-text); }
.btk-state-line { align-items: center; gap: 8px; flex-wrap: wrap; }
.btk-panel .btk-state-line:not(:has(.btk-note)) { display: none; }
.btk-panel .btk-state-line > .btk-grow { flex: 1 1 0; min-width: min(320px, 100%); }
.btk-note progress:indeterminate { opacity: .7; }
.btk-panel .btk-table .btk-total td { background: var(--btk-wash); }
.btk-empty { padding: 34px 20px; text-align: center; color: var(--btk-faint); }
.btk-empty b {
  display: block; color: var(--btk-text); font-weight: 600; font-size: 14px; margin-bottom: 3px;
}
.btk-empty code {
  font-family: var(--jp-code-font-family, monospace); font-size: 12px; padding: 1px 6px; border-radius: 5px;
  background: var(--btk-wash); color: var(--btk-soft);
}

.btk-panel button.jupyter-button {
  border-radius: 8px; font: inherit; font-weight: 600; padding: 5px 14px; height: auto; min-height: 32px;
  width: auto; max-width: 100%; line-height: 20px; white-space: normal; overflow: visible; box-shadow: none;
  border: 1px solid var(--btk-line); background: var(--btk-card); color: var(--btk-text);
}
.btk-panel button.jupyter-button.btk-main {
  background: var(--btk-brand); border-color: var(--btk-brand); color: #1d1800;
}
.btk-panel button.jupyter-button.btk-main:hover:enabled { filter: brightness(1.06); }
.btk-panel button.jupyter-button:disabled { opacity: .55; }
.btk-panel button.jupyter-button:focus-visible {
  outline: 2px solid var(--jp-brand-color1, #2196f3); outline-offset: 1px;
}
.btk-tools { padding: 9px 14px; gap: 8px; align-items: center; flex-wrap: wrap; }
.btk-panel .btk-tools h4 { padding: 0; }
.btk-panel .btk-tools .widget-text { width: 230px; height: 32px; }
.btk-panel .btk-tools .widget-dropdown { width: auto; height: 32px; }
.btk-panel .btk-tools input, .btk-panel .btk-tools select {
  border-radius: 8px; border: 1px solid var(--btk-line) !important; background-color: var(--btk-card);
  color: var(--btk-text); font: inherit; font-size: 12.5px; height: 32px; padding: 0 10px; box-shadow: none;
}
.btk-panel .btk-tools select { padding-right: 30px; background-image: ARROW; background-size: 12px;
  background-position: right 10px center; background-repeat: no-repeat; appearance: none; }
@container (max-width: 960px) {
  .btk-panel .btk-table th, .btk-panel .btk-table td { padding: 6px 9px; }
  .btk-level { width: 40px; margin-right: 6px; }
}
@container (max-width: 780px) {
  .btk-table .btk-mail { display: none; }
  .btk-panel .btk-table td.btk-clip { max-width: 32cqw; }
  .btk-grouped .btk-name small { display: block; }
}
@container (max-width: 719px) { .btk-table .btk-path { display: none; } }
@container (max-width: 560px) { .btk-table .btk-wide { display: none; } }
"""

_DARK_ROOTS = ("[data-jp-theme-light='false'] .btk-panel", "body.vscode-dark .btk-panel")

# JupyterLab's own arrow is black in the dark theme too.
_ARROW = (
    "url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 12 12' fill='none' "
    "stroke='%23868d97' stroke-width='1.8'%3E%3Cpath d='M2.5 4.5 6 8l3.5-3.5'/%3E%3C/svg%3E\")"
)

SHEET = (
    f"<style>.btk-panel {{{_LIGHT}}}{', '.join(_DARK_ROOTS)} {{{_DARK}}}"
    f"{_RULES.replace('ARROW', _ARROW)}</style>"
)

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="34" height="34" viewBox="0 0 34 34" aria-hidden="true">'
    '<rect width="34" height="34" rx="9" fill="#f0b90b"/><g fill="#1d1800">{}</g></svg>'
)
GAUGE_MARK = LOGO.format(
    '<path d="M8 22a9 9 0 0 1 18 0h-3.2a5.800 5.800 0 0 0-11.600 0z"/>'
    '<path d="M16 23.200 22.500 13.500 18.600 24.100a1.500 1.500 0 0 1-2.600-.900z"/>'
)
ACCOUNTS_MARK = LOGO.format(
    '<path d="M17 7.500l3.600 3.600L17 14.700l-3.600-3.600zM10.900 13.400l3.600 3.600-3.600 3.600L7.300 17z'
    'M23.100 13.400l3.600 3.600-3.600 3.600-3.600-3.600zM17 19.300l3.600 3.600-3.600 3.600-3.600-3.600z"/>'
)
