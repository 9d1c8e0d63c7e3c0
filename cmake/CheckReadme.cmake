# cmake -D README=... -D SAMPLE=... -P CheckReadme.cmake
# Fails unless README shows, as C++, exactly what stands in SAMPLE between the lines `// [readme]` and `// [/readme]`.
file(READ ${SAMPLE} sample)
string(FIND "${sample}" "// [readme]\n" begin)
string(FIND "${sample}" "// [/readme]\n" end)
if(begin EQUAL -1 OR end LESS begin)
    message(FATAL_ERROR "${SAMPLE} has no lines `// [readme]` and `// [/readme]`.")
endif()
string(LENGTH "// [readme]\n" mark)
math(EXPR begin "${begin} + ${mark}")
math(EXPR length "${end} - ${begin}")
string(SUBSTRING "${sample}" ${begin} ${length} shown)

file(READ ${README} readme)
string(FIND "${readme}" "```cpp\n${shown}```\n" found)
if(found EQUAL -1)
    message(FATAL_ERROR "${README} does not show what ${SAMPLE} has between its marks: copy it there.")
endif()
