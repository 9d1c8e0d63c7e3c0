# cmake -D SCRIPTS=... -D OUTPUT_DIR=... -P embed_scripts.cmake
# Turns each NAME.lua into `strandline::redis::scripts::NAME`.
set(declarations "")
set(definitions "")
foreach(script IN LISTS SCRIPTS)
    cmake_path(GET script STEM name)
    file(READ ${script} text)
    string(APPEND declarations "extern std::string_view const ${name};\n")
    string(APPEND definitions "constinit std::string_view const ${name} = R\"lua(${text})lua\";\n")
endforeach()
file(WRITE ${OUTPUT_DIR}/scripts.hpp "#pragma once

#include <string_view>

namespace strandline::redis::scripts {
${declarations}}
")
file(WRITE ${OUTPUT_DIR}/scripts.cpp "#include \"redis/scripts.hpp\"

namespace strandline::redis::scripts {
${definitions}}
")
