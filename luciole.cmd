@rem Runs Luciole from a checkout on Windows: finds a JDK and leaves the rest to .mvn\Launcher.java.
@setlocal
@call "%~dp0.mvn\find-jdk.cmd" || exit /b 1
@"%JAVA_HOME%\bin\java" -XX:TieredStopAtLevel=1 "-Dluciole.command=%~0" "-Dluciole.checkout=%~dp0." "%~dp0.mvn\Launcher.java" %*
@exit /b %ERRORLEVEL%
