# Scenarios of one family: ours above the reference. `data` has a block for each unit: its name, then lines of
# `"scenario" number ours reference`.
stats data using 3 nooutput
blocks = int(STATS_blocks)
rows = STATS_records
set terminal svg size 860, 90 * blocks + 44 * rows background "white" font "sans-serif,13"
set output output_file
set multiplot layout blocks, 1 title name noenhanced
set xrange [0:*]
set offsets 0, graph 0.05, 0.5, 0.6
set grid xtics lc rgb "#dddddd"
set key outside top right horizontal noenhanced
set border 3
set xtics nomirror
set ytics nomirror noenhanced
set style fill solid
do for [i = 0:blocks - 1] {
    stats data index i using ($4 > $3 ? $4 : $3) nooutput
    set format x STATS_max >= 1000 ? "%.1s%c" : "%g"
    plot data index i using ($3 / 2):(0.2 - $2):($3 / 2):(0.18):ytic(1) with boxxyerror lc rgb "#1f5fa8" title columnheader(1), \
         data index i using ($4 / 2):(-0.2 - $2):($4 / 2):(0.18) with boxxyerror lc rgb "#e2a688" title "reference"
}
unset multiplot
