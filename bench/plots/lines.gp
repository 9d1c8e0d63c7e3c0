# One factor: ours, and the reference beside it. `data` has a block for each figure: its title, then lines of
# `x ours reference`.
stats data using 1:2 nooutput
blocks = int(STATS_blocks)
set terminal svg size 720, 300 * blocks background "white" font "sans-serif,13"
set output output_file
set multiplot layout blocks, 1 title name noenhanced
set logscale x
set yrange [0:*]
set offsets 0, 0, graph 0.25, 0
set grid ytics lc rgb "#dddddd"
set key top left horizontal noenhanced
set border 3
set xtics nomirror format "%.0s%c"
set ytics nomirror
do for [i = 0:blocks - 1] {
    plot data index i using 1:2 with linespoints lw 2 pt 7 ps 0.7 lc rgb "#1f5fa8" title columnheader(1), \
         data index i using 1:3 with linespoints lw 2 dt 2 pt 6 ps 0.7 lc rgb "#c0562b" title "reference"
}
unset multiplot
