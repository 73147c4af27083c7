// The look of a page: one column on a telephone, two on a desk; the colours follow the system.
extension HTMLPage {
    static let style = """
        :root { color-scheme: light dark; --ground: #f7f8fa; --card: #ffffff; --ink: #16202b; --soft: #5b6875;
          --rule: #e3e7ec; --warn: #9a4d00; --warn-ground: #fff4e5;
          --c0: #0f7b8a; --c1: #c2570c; --c2: #6a4fc4; --c3: #2f7d32; --c4: #b3276d; --c5: #7a6a00; }
        @media (prefers-color-scheme: dark) {
          :root { --ground: #10161c; --card: #18212a; --ink: #e6edf3; --soft: #93a1b0; --rule: #2a3642;
            --warn: #ffb86b; --warn-ground: #2d2417;
            --c0: #4cc3d3; --c1: #ff9a57; --c2: #ac97f7; --c3: #7bc67f; --c4: #f27fb5; --c5: #d9c74a; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 56px; }
        h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; text-wrap: balance; }
        h2 { font-size: 1.05rem; margin: 36px 0 12px; }
        h3 { font-size: 0.95rem; margin: 0; }
        p { margin: 0; }
        .soft, figcaption p, .card .label, .card .more, th[scope=row] { color: var(--soft); }
        .what { margin: 0 0 20px; color: var(--soft); }
        .command { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
          padding: 10px 14px; margin: 12px 0 0; font: 0.82rem/1.6 ui-monospace, "DejaVu Sans Mono", monospace; }
        .cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
        .card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; padding: 14px 16px; }
        .card .label { font-size: 0.8rem; }
        .card .value { font-size: 1.55rem; font-weight: 650; letter-spacing: -0.02em; line-height: 1.25;
          font-variant-numeric: tabular-nums; }
        .card .value small { font-size: 0.55em; font-weight: 500; color: var(--soft); letter-spacing: 0; }
        .card .more { font-size: 0.8rem; }
        .charts { display: grid; gap: 16px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
        .chart { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 12px;
          padding: 14px 16px 12px; min-width: 0; }
        figcaption p { font-size: 0.8rem; margin-bottom: 6px; }
        svg { display: block; width: 100%; height: auto; }
        .grid { stroke: var(--rule); stroke-width: 1; }
        .tick { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
        .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .line.dashed { stroke-dasharray: 4 4; stroke-width: 1.5; }
        .area { fill: var(--c); opacity: 0.12; }
        .c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); }
        .c3 { --c: var(--c3); } .c4 { --c: var(--c4); } .c5 { --c: var(--c5); }
        .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0 0; padding: 0;
          font-size: 0.8rem; color: var(--soft); }
        .key { display: inline-block; width: 16px; border-top: 3px solid var(--c); border-radius: 2px;
          margin-right: 6px; vertical-align: middle; }
        .key.dashed { border-top-style: dashed; border-top-width: 2px; }
        .bars { list-style: none; margin: 8px 0 4px; padding: 0; }
        .bars li { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; margin-bottom: 10px;
          font-size: 0.85rem; }
        .bars .figure { font-variant-numeric: tabular-nums; font-weight: 600; }
        .track { grid-column: 1 / -1; background: var(--rule); border-radius: 5px; height: 10px; }
        .bar { display: block; height: 10px; border-radius: 5px; background: var(--c); }
        .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }
        table { border-collapse: collapse; width: 100%; font-size: 0.87rem; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: 8px 16px; border-top: 1px solid var(--rule); vertical-align: top; }
        tr:first-child > * { border-top: 0; }
        th { font-weight: 500; } thead th { font-weight: 650; }
        th[scope=row] { white-space: nowrap; }
        .caveats { margin: 0; padding: 12px 16px 12px 34px; border-radius: 12px; background: var(--warn-ground);
          color: var(--warn); font-size: 0.9rem; }
        .notes { margin: 0; padding-left: 18px; color: var(--soft); font-size: 0.87rem; }
        .notes li + li, .caveats li + li { margin-top: 4px; }
        @media (max-width: 720px) { main { padding: 20px 14px 40px; } .charts { grid-template-columns: minmax(0, 1fr); }
          .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); } h1 { font-size: 1.35rem; }
          .card { padding: 12px; } .card .value { font-size: 1.3rem; } th, td { padding: 7px 12px; }
          th[scope=row] { white-space: normal; } }
        @media print { body { background: #fff; } .chart, .card { break-inside: avoid; } }
        """
}
